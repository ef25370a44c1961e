// Each rule of scripts/lib/layers.mjs against a small tree that breaks it.
import assert from 'node:assert/strict';
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';

const kLayers = fileURLToPath(new URL('../../scripts/lib/layers.mjs', import.meta.url));

const kHouse = {
  'gateway/CMakeLists.txt': 'foreach(folder base git net)\nendforeach()\n',
  'hooks/CMakeLists.txt': 'foreach(folder policy repo)\nendforeach()\n',
  'gateway/base/CMakeLists.txt': 'postern_library(postern_base SOURCES a.cc)\n',
  'gateway/base/a.h': '',
  'gateway/base/a.cc': '#include "gateway/base/a.h"\n#include <vector>\n#include <fmt/core.h>\n',
  'gateway/git/CMakeLists.txt': 'postern_library(postern_git SOURCES g.cc LINKS postern_base)\n',
  'gateway/git/g.h': '#include "gateway/base/a.h"\n',
  'gateway/git/g.cc': '#include "gateway/git/g.h"\n',
  'hooks/policy/CMakeLists.txt': 'postern_library(postern_policy SOURCES p.cc LINKS postern_base)\n',
  'hooks/policy/p.h': '',
  'hooks/policy/p.cc': '#include "gateway/base/a.h"\n',
};

function judge(changes) {
  const root = mkdtempSync(`${tmpdir()}/layers-`);
  try {
    for (const [file, text] of Object.entries({...kHouse, ...changes})) {
      mkdirSync(join(root, dirname(file)), {recursive: true});
      writeFileSync(join(root, file), text);
    }
    execFileSync('git', ['init', '-q', root]);
    const {status, stdout, stderr} = spawnSync('node', [kLayers, root], {encoding: 'utf8'});
    assert.equal(stderr, '');
    return {status, lines: stdout.trim().split('\n').filter(Boolean)};
  } finally {
    rmSync(root, {recursive: true});
  }
}

function refuses(changes, pattern) {
  const {status, lines} = judge(changes);
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(lines[0], pattern);
  assert.equal(status, 1);
}

test('a sound house passes', () => assert.deepEqual(judge({}), {status: 0, lines: []}));

test('the gateway never includes hooks', () =>
  refuses({'gateway/git/g.cc': '\n#include "hooks/policy/p.h"\n'}, /^gateway\/git\/g\.cc:2: .*never back/));

test('a folder includes only folders before it', () =>
  refuses({'gateway/base/a.cc': '#include "gateway/git/g.h"\n'}, /git comes after base/));

test('a link to a later folder is refused', () =>
  refuses({'gateway/git/CMakeLists.txt': 'postern_library(postern_git SOURCES g.cc LINKS postern_base postern_net)\n',
           'gateway/net/CMakeLists.txt': 'postern_library(postern_net SOURCES n.cc)\n'}, /net comes after git/));

test('a library header needs its suffix', () =>
  refuses({'gateway/base/a.cc': '#include <openssl/evp.h>\n'}, /named \*_openssl\.cc/));

test('a library header is never in a header', () =>
  refuses({'gateway/base/a_openssl.h': '#include <openssl/evp.h>\n'}, /in a header/));

test('a library nobody named is refused', () =>
  refuses({'gateway/base/a.cc': '#include <boost/asio.hpp>\n'}, /does not know/));

test('an include that leads nowhere is refused', () =>
  refuses({'gateway/base/a.cc': '#include "base/a.h"\n'}, /no such file/));

test('a link in the documentation leads somewhere', () =>
  refuses({'README.md': 'see [this](docs/none.md)\n'}, /^README\.md:1: link to docs\/none\.md/));
