// Every program as a person calls it by mistake, and the configuration that the documentation shows.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {after, test} from 'node:test';
import {fileURLToPath} from 'node:url';

const kTop = fileURLToPath(new URL('../..', import.meta.url));
const kBin = process.env.POSTERN_BIN ?? `${kTop}/build/release/bin`;
const directory = mkdtempSync(`${tmpdir()}/postern-usage-`);
after(() => rmSync(directory, {recursive: true}));

function call(name, args, options = {}) {
  const result = spawnSync(`${kBin}/${name}`, args, {encoding: 'utf8', timeout: 30000, ...options});
  return {code: result.status, out: result.stdout, err: result.stderr};
}

function check(text) {
  const file = `${directory}/postern.toml`;
  writeFileSync(file, text);
  const result = call('postern', ['config', 'check', '--config', file]);
  return {...result, said: result.out + result.err, file};
}

const sample = /^```toml\n([\s\S]*?)^```/m.exec(readFileSync(`${kTop}/docs/configuration.md`, 'utf8'))[1];

const kPrograms = ['postern', 'postern-gateway', 'postern-hook', 'postern-check', 'postern-deploy'];
for (const name of kPrograms) {
  test(`${name} exits 2 on an unknown option and 0 on --help and --version`, () => {
    assert.ok(existsSync(`${kBin}/${name}`), `${kBin}/${name} is not built`);
    assert.equal(call(name, ['--no-such-option']).code, 2);
    assert.equal(call(name, ['--help']).code, 0);
    assert.equal(call(name, ['--version']).code, 0);
  });
}

const kBadUsage = [
  ['postern', [], /^postern: a command is needed; accepted: .*\bdoctor\b.*--help/],
  ['postern', ['config'], /^postern config: a command is needed; accepted: check/],
  ['postern', ['--no-such-option'], /^postern: not expected: --no-such-option; accepted: .*\bdoctor\b/],
  ['postern', ['config', 'chek'], /^postern config: not expected: chek; accepted: check/],
  ['postern', ['audit', 'list', '--no-such-option', 'x'], /^postern audit list: not expected: --no-such-option x; accepted: .*--since/],
  ['postern', ['access', 'explain'], /^postern access explain: --repo is required \(postern access explain --help/],
  ['postern', ['audit', 'list', '--format', 'xml'], /--format.*text.*json/],
  ['postern-deploy', [], /^postern-deploy: a command is needed; accepted: run, .*rollback/],
  ['postern-deploy', ['plan', '--no-such-option'], /^postern-deploy plan: not expected: --no-such-option; accepted: .*--tree/],
  ['postern-hook', [], /^postern-hook: a command is needed; accepted: install, status/],
  ['postern-hook', ['status', '--no-such-option'], /^postern-hook status: not expected: --no-such-option; accepted: .*--directory/],
  ['postern-check', ['--no-such-option'], /^postern-check: not expected: --no-such-option; accepted: .*--root/],
  ['postern-deploy', ['adopt'], /--environment NAME/],
  ['postern-hook', ['install'], /--gogs-config.*--repositories/],
  ['postern-check', ['--format', 'xml', '.'], /--format: xml .*\{text,json,sarif,junit,github,gitlab\}/],
  ['postern-check', ['--fail-on', '1', '.'], /--fail-on: 1 .*\{error,warning\}/],
  ['postern-check', ['--explain', 'no-such-rule'], /no-such-rule.*--list-rules/],
];
for (const [name, args, accepted] of kBadUsage) {
  test(`${name} ${args.join(' ')} is bad usage and says what is accepted`, () => {
    const {code, out, err} = call(name, args);
    assert.equal(code, 2, out + err);
    assert.match(out + err, accepted);
  });
}

test('postern-gateway and postern-deploy exit 2 without a configuration that can be read', () => {
  for (const [name, ...args] of [['postern-gateway'], ['postern-deploy', 'run']]) {
    const {code, err, out} = call(name, [...args, '--config', `${directory}/none.toml`]);
    assert.equal(code, 2, name);
    assert.match(out + err, /none\.toml/);
  }
});

test('the configuration of the documentation passes', () => {
  const {code, said} = check(sample);
  assert.equal(code, 0, said);
});

const swap = (before, after) => {
  assert.ok(sample.includes(before), before);
  return sample.replace(before, after);
};
for (const [what, change, says] of [
  ['an unknown section', () => swap('[store]', '[stoer]'), /stoer/],
  ['an unknown key', () => swap('mode   = "enforce"', 'moed   = "enforce"'), /moed.*mode|accepted/s],
  ['a word that is none', () => swap('mode   = "enforce"', 'mode   = "strict"'), /strict.*observe.*enforce|observe, enforce/s],
  ['a literal secret', () => swap('"file:/etc/postern/gogs-token"', '"0123456789abcdef0123456789abcdef01234567"'), /file:|env:/],
  ['no TLS to a host that is not this one', () => swap('http://127.0.0.1:3000"\ncredentials', 'http://gogs.example.com"\ncredentials'), /https|loopback/],
  ['a grant to nobody', () => swap('to    = ["apim-sync", "orders-team"]', 'to    = ["apim-snyc"]'), /apim-snyc/],
  ['a human without clients', () => swap('clients = ["22222222-3333-4444-5555-666666666666"]\n', ''), /clients/],
  ['paths in a repository that is not governed', () => swap('repos = ["platform/policies"]\nverbs = ["write"]', 'repos = ["other/policies"]\nverbs = ["write"]'), /govern/],
  ['a verb that is none', () => swap('verbs = ["read"]', 'verbs = ["reed"]'), /reed.*read/s],
  ['a service that is no id', () => swap('service = "/subscriptions/', 'service = "subscriptions/'), /Microsoft\.ApiManagement/],
  ['two identities of one name', () => swap('name    = "alice"', 'name    = "apim-sync"'), /apim-sync/],
  ['no TOML', () => `${sample}\n[[[`, /TOML/],
]) {
  test(`a configuration with ${what} is refused with file, line, key and what is accepted`, () => {
    const {code, said, file} = check(change());
    assert.equal(code, 2, said);
    assert.match(said, new RegExp(`${file}:\\d+: `), said);
    assert.match(said, says, said);
    assert.ok(!said.includes('0123456789abcdef0123456789abcdef01234567'), 'it repeats the secret');
  });
}

test('a configuration that is named by a relative path is relative to itself, not to the root', () => {
  mkdirSync(`${directory}/etc/rules.d`, {recursive: true});
  writeFileSync(`${directory}/etc/rules.d/a.toml`, '[[grant]]\nname = "included"\nto = ["nobody"]\nrepos = ["*/*"]\nverbs = ["read"]\n');
  writeFileSync(`${directory}/etc/postern.toml`, `include = ["rules.d/*.toml"]\n${sample}`);
  for (const [cwd, args, env] of [
    [`${directory}/etc`, ['--config', 'postern.toml'], {}],
    [directory, ['--config', './etc/../etc/postern.toml'], {}],
    [directory, [], {POSTERN_CONFIG: 'etc/postern.toml'}],
  ]) {
    const {err} = call('postern', ['config', 'check', ...args], {cwd, env: {...process.env, ...env}});
    assert.ok(err.includes(`error: ${directory}/etc/rules.d/a.toml:1: [[grant]] included: to: `), err);
  }
});

const kPages = ['README.md', 'docs/ci.md', 'docs/configuration.md', 'docs/operations.md', 'docs/policy-language.md'];

test('every option that a page gives a program is one of that program', () => {
  const helps = new Map();
  const known = (words) => {
    const line = words.join(' ');
    if (!helps.has(line)) helps.set(line, new Set(call(words[0], [...words.slice(1), '--help']).out.match(/--[a-z][a-z-]*/g)));
    return helps.get(line);
  };
  let seen = 0;
  for (const page of kPages) {
    for (const [, command] of readFileSync(`${kTop}/${page}`, 'utf8').matchAll(/[`' ](postern(?:-[a-z]+)? [^`'\n]*)/g)) {
      const words = command.split(/[>|;]/)[0].trim().split(/\s+/);
      if (!kPrograms.includes(words[0])) continue;
      const path = [words[0]];
      if (words[0] !== 'postern-check') {
        while (path.length < 3 && /^[a-z]+$/.test(words[path.length] ?? '') && call(words[0], [...path.slice(1), words[path.length], '--help']).code === 0)
          path.push(words[path.length]);
      }
      for (const option of command.match(/(?<= )--[a-z][a-z-]*/g) ?? []) {
        ++seen;
        assert.ok(known(path).has(option), `${page}: ${command}: ${path.join(' ')} has no ${option}`);
      }
    }
  }
  assert.ok(seen > 35, String(seen));
});

test('every message that the page of operations explains is one that a program says', () => {
  const said = spawnSync('sh', ['-c', "find gateway hooks -name '*.cc' -o -name '*.h' -o -name '*.sh' | xargs cat"], {cwd: kTop, encoding: 'utf8', maxBuffer: 1 << 26})
    .stdout.replace(/"\s*\n\s*"/g, '');
  const ofTheStore = ['file is not a database', 'disk image is malformed'];  // SQLite's own words
  let seen = 0;
  for (const [, cell] of readFileSync(`${kTop}/docs/operations.md`, 'utf8').matchAll(/^\| (`[^|]*) \|/gm)) {
    for (const [, words] of cell.matchAll(/`([^`]+)`/g)) {
      ++seen;
      assert.ok(ofTheStore.includes(words) || said.includes(words), words);
    }
  }
  assert.ok(seen >= 15, String(seen));
});

test('the units of the page of operations are taken by systemd', (context) => {
  const units = [...readFileSync(`${kTop}/docs/operations.md`, 'utf8').matchAll(/^```ini\n# \/etc\/systemd\/system\/(\S+)\n([^]*?)^```/gm)];
  assert.deepEqual(units.map(([, name]) => name), ['postern-gateway.service', 'postern-deploy.service']);
  for (const [, name, text] of units) {
    const program = /^ExecStart=\/usr\/bin\/(\S+)/m.exec(text)[1];
    assert.ok(kPrograms.includes(program));
    writeFileSync(`${directory}/${name}`, text.replaceAll(`/usr/bin/${program}`, `${kBin}/${program}`));
    const judged = spawnSync('systemd-analyze', ['verify', `${directory}/${name}`], {encoding: 'utf8'});
    if (judged.error) return context.skip('SKIPPED: no systemd-analyze here');
    assert.equal(judged.stderr.split('\n').filter((line) => line.includes(name)).join('\n'), '');
  }
});

test('what has ended is told, and a limit on the size of files kills no gateway', () => {
  const ended = check(swap('verbs = ["read"]', 'verbs = ["read"]\nuntil = 2020-01-01'));
  assert.equal(ended.code, 0);
  assert.match(ended.err, /warning: .*postern\.toml:\d+: \[\[grant\]\] everybody-named-reads: until: has passed/);
  const home = `${directory}/gateway`;
  mkdirSync(home);
  const init = call('postern', ['init', '--directory', `${home}/etc`, '--state', `${home}/state`, '--spool', `${home}/spool`,
                                '--listen', `unix:${home}/gateway.sock`]);
  assert.equal(init.code, 0, init.err);
  writeFileSync(`${home}/etc/upstream-token`, 'a-token\n', {mode: 0o600});
  const limited = spawnSync('bash', ['-c', 'ulimit -f 1; exec "$0" "$@"', `${kBin}/postern-gateway`, '--config', `${home}/etc/postern.toml`],
                            {encoding: 'utf8', timeout: 30000});
  assert.equal(limited.signal, null);
  assert.equal(limited.status, 3, limited.stderr);
  assert.match(limited.stderr, /^postern-gateway: \[/m);
  const config = readFileSync(`${home}/etc/postern.toml`, 'utf8');
  writeFileSync(`${home}/etc/elsewhere.toml`, config.replace(`unix:${home}/`, `unix:${home}/none/`));
  const elsewhere = call('postern-gateway', ['--config', `${home}/etc/elsewhere.toml`]);
  assert.equal(elsewhere.code, 3);
  assert.match(elsewhere.err, /none\/gateway\.sock: No such file.*fix: make the directory of the socket/);
  rmSync(`${home}/state/checkpoints`, {force: true});
  mkdirSync(`${home}/state/checkpoints`);
  const doctor = call('postern', ['doctor', '--config', `${home}/etc/postern.toml`]);
  assert.equal(doctor.code, 1);
  assert.match(doctor.out, /^FAILED +\[audit\] witness file:.*no regular file/m);
  assert.match(doctor.out, /^FAILED +gateway at unix:.*start postern-gateway/m);
});

test('postern-check says when there was nothing to judge, and which option names what is not there', () => {
  mkdirSync(`${directory}/nothing`);
  const cwd = `${directory}/nothing`;
  const none = call('postern-check', [], {cwd});
  assert.equal(none.code, 0);
  assert.match(none.err, /note: nothing to judge below \./);
  assert.equal(JSON.parse(call('postern-check', ['--format', 'json'], {cwd}).out).summary.files, 0);
  for (const args of [['init', '-q'], ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'one']])
    assert.equal(spawnSync('git', args, {cwd}).status, 0);
  assert.match(call('postern-check', ['--root', 'artefacts', '--changed', 'HEAD'], {cwd}).err, /note: --root artefacts: no such directory/);
  for (const option of ['--baseline', '--settings']) {
    const absent = call('postern-check', [option, 'none.json', '.'], {cwd});
    assert.equal(absent.code, 2);
    assert.match(absent.err, new RegExp(`${option}: .*none\\.json`));
  }
});

test('postern-check judges a document that is named, and nothing that is not there', () => {
  writeFileSync(`${directory}/bad.xml`, '<policies><inbound><rate-limitt calls="1" /></inbound></policies>\n');
  const bad = call('postern-check', [`${directory}/bad.xml`]);
  assert.equal(bad.code, 1, bad.out + bad.err);
  assert.match(bad.out, /bad\.xml:1:\d+: error: .*rate-limit.*\[/);
  assert.notEqual(call('postern-check', [`${directory}/absent.xml`]).code, 0);
  const json = JSON.parse(call('postern-check', ['--format', 'json', `${directory}/bad.xml`]).out);
  assert.equal(json.version, 1);
  assert.equal(json.findings[0].severity, 'error');
  assert.ok(json.findings[0].fingerprint);
});
