// postern-check as CI calls it: what each format's own readers make of it, and checkouts as CI makes them.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, utimesSync,
  writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {dirname} from 'node:path';
import {after, test} from 'node:test';
import {fileURLToPath, pathToFileURL} from 'node:url';

const kTop = fileURLToPath(new URL('../..', import.meta.url));
const kBin = process.env.POSTERN_BIN ?? `${kTop}/build/release/bin`;
const directory = mkdtempSync(`${tmpdir()}/postern-check-`);
after(() => rmSync(directory, {recursive: true, force: true}));
const require = createRequire(`${kTop}/fixtures/package.json`);

const kEnvironment = {PATH: process.env.PATH, HOME: directory, LC_ALL: 'C.UTF-8', GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org'};

function run(command, args, {cwd = directory, input = '', env = {}} = {}) {
  const result = spawnSync(command, args, {cwd, input, encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 28, env: {...kEnvironment, ...env}});
  return {code: result.status, out: result.stdout, err: result.stderr};
}
const check = (args, options) => run(`${kBin}/postern-check`, args, options);
function must(command, args, options) {
  const result = run(command, args, options);
  assert.equal(result.code, 0, `${command} ${args.join(' ')}: ${result.err}`);
  return result.out.trim();
}

// A folder with a document for each trap of the formats.
const kGood = '<policies>\n  <inbound>\n    <base />\n  </inbound>\n</policies>\n';
const kBad = kGood.replace('<base />', '<bsae />');
const kWarned = kGood.replace('<base />', '<base />\n    <base />');
function write(name, text) {
  mkdirSync(dirname(`${directory}/${name}`), {recursive: true});
  writeFileSync(`${directory}/${name}`, text);
}
write('tree/good.xml', kGood);
write('tree/warned.xml', kWarned);
// Columns count code points: the smiling face is one, two in UTF-16, four in UTF-8.
write('tree/a b, c:50%/ünï.xml', '<policies><inbound><!-- 😀 --><bsae /></inbound></policies>\n');
write('tree/twice.xml', kBad.replace('<bsae />', '<bsae />\n    <bsae />'));
write('tree/percent.xml', '<policies><inbound><set-method>100%,::now</set-method><rate-limit calls="50%" renewal-period="60" /></inbound></policies>\n');
const kArguments = ['--format'];
const report = (format, ...more) => check([...kArguments, format, ...more], {cwd: `${directory}/tree`});
const findings = JSON.parse(report('json').out).findings;
const errors = findings.filter((one) => one.severity === 'error');

test('the documents of this test have errors and warnings', () => {
  assert.ok(errors.length >= 4, JSON.stringify(findings, null, 1));
  assert.ok(findings.length > errors.length);
});

test('SARIF validates against the schema of version 2.1.0', () => {
  const root = dirname(require.resolve('@microsoft/jest-sarif/package.json'));
  const Ajv = require('ajv');
  const ajv = new Ajv({schemaId: 'auto', allErrors: true, logger: false});
  ajv.addMetaSchema(JSON.parse(readFileSync(require.resolve('ajv/lib/refs/json-schema-draft-04.json'), 'utf8')));
  const name = readdirSync(`${root}/lib/schemas`).find((file) => file.startsWith('sarif-2.1.0'));
  const schema = JSON.parse(readFileSync(`${root}/lib/schemas/${name}`, 'utf8'));
  const valid = ajv.compile(schema);
  for (const args of [[], ['good.xml'], [`${directory}/tree/twice.xml`]]) {
    const log = JSON.parse(report('sarif', ...args).out);
    assert.ok(valid(log), JSON.stringify(valid.errors));
    // The validator is awake.
    const broken = structuredClone(log);
    broken.runs[0].tool.driver.rules[0].help = 'text';
    assert.ok(!valid(broken));
  }
});

test('SARIF gives each result its rule with help and address, and a fingerprint of its own', () => {
  const {runs: [run]} = JSON.parse(report('sarif').out);
  const {rules} = run.tool.driver;
  assert.deepEqual(rules.map((rule) => rule.id), JSON.parse(check(['--list-rules', '--format', 'json']).out).map((rule) => rule.id));
  for (const rule of rules) {
    assert.ok(rule.help.text && rule.help.markdown && rule.shortDescription.text && rule.fullDescription.text, rule.id);
    assert.match(rule.helpUri, /^https:\/\//);
    assert.ok(['error', 'warning', 'note'].includes(rule.defaultConfiguration.level));
  }
  assert.equal(run.results.length, findings.length);
  for (const result of run.results) {
    assert.equal(rules[result.ruleIndex].id, result.ruleId);
    assert.ok(result.message.text);
  }
  assert.equal(new Set(run.results.map((one) => one.partialFingerprints.primaryLocationLineHash)).size, findings.length);
});

test('SARIF counts columns in code points, ends exclusive, and percent-encodes addresses', () => {
  const {runs: [run]} = JSON.parse(report('sarif').out);
  assert.equal(run.columnKind, 'unicodeCodePoints');
  const {artifactLocation, region} = run.results.find((one) => one.locations[0].physicalLocation.artifactLocation.uri.startsWith('a%20b')).locations[0].physicalLocation;
  assert.equal(artifactLocation.uri, 'a%20b%2C%20c%3A50%25/%C3%BCn%C3%AF.xml');
  assert.equal(decodeURIComponent(artifactLocation.uri), 'a b, c:50%/ünï.xml');
  const [line] = readFileSync(`${directory}/tree/a b, c:50%/ünï.xml`, 'utf8').split('\n');
  assert.equal([...line].slice(region.startColumn - 1, region.endColumn - 1).join(''), 'bsae');
});

test('JUnit is read by a JUnit reader, and a file fails when the exit code says so', async () => {
  const {parse} = await import(pathToFileURL(require.resolve('junit2json')).href);
  const read = async (...args) => (await parse(report('junit', ...args).out)).testsuite[0];
  const suite = await read();
  const failing = new Set(errors.map((one) => one.path));
  assert.equal(suite.tests, 5);
  assert.equal(suite.failures, failing.size);
  assert.equal(suite.testcase.length, 5);
  for (const one of suite.testcase) assert.equal(one.failure !== undefined, failing.has(one.name), one.name);
  const twice = suite.testcase.find((one) => one.name === 'twice.xml');
  assert.equal(twice.failure.length, 1);
  assert.match(twice.failure[0].inner, /twice\.xml:3:6: error: .*<bsae>.*\n.*twice\.xml:4:6/);
  assert.ok(suite.testcase.find((one) => one.name === 'warned.xml')['system-out']);
  assert.equal((await read('--fail-on', 'warning')).failures, failing.size + 1);
});

test('GitHub annotations are one line each and say what the findings say', () => {
  // As the runner reads them.
  const unescape = (text) => text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%25', '%');
  const lines = report('github').out.trimEnd().split('\n');
  assert.equal(lines.length, findings.length);
  lines.forEach((line, i) => {
    const [, kind, properties, message] = /^::(error|warning) ([^:]*)::(.*)$/.exec(line) ?? assert.fail(line);
    const values = Object.fromEntries(properties.split(',').map((one) => one.split(/=(.*)/s).slice(0, 2).map(unescape)));
    assert.equal(kind, findings[i].severity);
    assert.equal(values.file, findings[i].path);
    assert.equal(Number(values.line), findings[i].line);
    assert.equal(Number(values.col), findings[i].column);
    assert.equal(values.title, findings[i].rule);
    assert.ok(unescape(message).startsWith(findings[i].message));
  });
  assert.ok(lines.some((line) => line.includes('a b%2C c%3A50%25/')), lines.join('\n'));
});

test('GitLab code quality has what GitLab asks for, and no fingerprint twice', () => {
  const issues = JSON.parse(report('gitlab').out);
  assert.equal(issues.length, findings.length);
  for (const issue of issues) {
    assert.ok(issue.description && issue.check_name && issue.fingerprint);
    assert.ok(['info', 'minor', 'major', 'critical', 'blocker'].includes(issue.severity));
    assert.ok(!issue.location.path.startsWith('/') && !issue.location.path.startsWith('./'));
    assert.ok(Number.isInteger(issue.location.lines.begin));
  }
  assert.equal(new Set(issues.map((issue) => issue.fingerprint)).size, issues.length);
  assert.deepEqual(JSON.parse(report('gitlab', 'good.xml').out), []);
});

test('findings come in one order, however the paths are given', () => {
  const sorted = [...findings].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)) || a.line - b.line || a.column - b.column);
  assert.deepEqual(findings, sorted);
  const some = (...paths) => JSON.parse(report('json', ...paths).out).findings;
  assert.deepEqual(some('twice.xml', 'percent.xml'), some('percent.xml', './twice.xml', 'twice.xml'));
});

test('twenty runs over many files on all cores say the same', () => {
  for (let i = 0; i < 400; ++i) write(`many/d${i % 7}/p${i}.xml`, i % 3 ? kBad : kWarned);
  const first = report('json', '../many');
  assert.equal(JSON.parse(first.out).findings.length, 400);
  const without = (text) => text.replace(/"seconds": [^\n]*/, '');
  for (let i = 0; i < 20; ++i) assert.equal(without(report('json', '../many').out), without(first.out));
});

test('the exit code is 0, 1, 2 or 3 and --fail-on moves the line between 0 and 1', () => {
  const code = (args, options) => check(args, {cwd: `${directory}/tree`, ...options}).code;
  assert.equal(code(['good.xml']), 0);
  assert.equal(code(['warned.xml']), 0);
  assert.equal(code(['--fail-on', 'error', 'warned.xml']), 0);
  assert.equal(code(['--fail-on', 'warning', 'warned.xml']), 1);
  assert.equal(code(['twice.xml']), 1);
  assert.equal(code(['absent.xml']), 2);
  assert.equal(code(['--settings', 'absent.toml', 'good.xml']), 2);
  assert.equal(code(['--changed', 'HEAD'], {cwd: directory}), 2);
  for (const format of ['text', 'json', 'sarif', 'junit', 'github', 'gitlab']) assert.equal(code(['--format', format, 'twice.xml']), 1, format);
});

test('a file that cannot be read is exit 3, and the others are judged all the same', (t) => {
  if (process.getuid() === 0) return t.skip('SKIPPED: root reads every file');
  write('unread/a.xml', kBad);
  write('unread/b.xml', kBad);
  chmodSync(`${directory}/unread/a.xml`, 0);
  const {code, out, err} = check(['unread']);
  assert.equal(code, 3);
  assert.match(err, /unread\/a\.xml/);
  assert.match(out, /unread\/b\.xml:3/);
});

test('standard input is judged under its name, in the scope that the name tells', () => {
  const piped = (name, text, ...more) => check(['--stdin', name, ...more], {input: text});
  const {code, out} = piped('apis/a/policy.xml', kBad);
  assert.equal(code, 1);
  assert.match(out, /^apis\/a\/policy\.xml:3:6: error: .*\n {4}<bsae \/>\n {5}\^~~~\nfix: /);
  assert.equal(piped('x.xml', '').code, 1);
  assert.equal(piped('x.xml', kGood).code, 0);
  assert.equal(piped('x.xml', kGood, 'y.xml').code, 2);
  const wrong = kGood.replace('<base />', '<quota calls="1" renewal-period="3600" />');
  assert.match(piped('apis/a/policy.xml', wrong).out, /\[wrong-scope\]/);
  assert.doesNotMatch(piped('products/p/policy.xml', wrong).out, /\[wrong-scope\]/);
});

// Runs it on a terminal of its own; both streams come back as one.
const onTerminal = (args, env) => run('script', ['-qec', `'${kBin}/postern-check' ${args}`, '/dev/null'], {cwd: `${directory}/tree`, env});

test('colour is for terminals, and NO_COLOR switches it off', (t) => {
  if (run('script', ['--version']).code !== 0) return t.skip('SKIPPED: script(1) is not installed');
  assert.ok(onTerminal('twice.xml', {TERM: 'xterm'}).out.includes('\x1b[1;31m'));
  assert.ok(!onTerminal('twice.xml', {TERM: 'xterm', NO_COLOR: '1'}).out.includes('\x1b'));
  assert.ok(!onTerminal('--format json twice.xml', {TERM: 'xterm'}).out.includes('\x1b'));
  assert.ok(!report('text').out.includes('\x1b'));
});

test('nothing but findings is said where no terminal is', () => {
  assert.equal(report('json', '../many').err, '');
});

test('a --root that holds no artifacts is told, with the one that was meant', () => {
  write('rooted/artifacts/apis/a/policy.xml', kGood);
  write('rooted/docs/a.xml', kGood);
  const told = (root, ...paths) => check(['--root', root, ...paths], {cwd: `${directory}/rooted`}).err;
  assert.equal(told('.'), 'postern-check: note: --root .: no artifacts lie right below it; did you mean --root artifacts?\n');
  assert.match(told('artefacts'), /artefacts: no such file or directory/);
  assert.match(told('artefacts', 'docs'), /note: --root artefacts: no such directory/);
  assert.equal(told('artifacts'), '');
  assert.equal(told('docs'), '');
});

// Repositories as CI checks them out.
const git = (cwd, ...args) => must('git', args, {cwd});
function repository(name) {
  const path = `${directory}/${name}`;
  mkdirSync(path, {recursive: true});
  git(path, 'init', '-q', '-b', 'main');
  return path;
}
function commit(path, files, message = 'change') {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(`${path}/${name}`), {recursive: true});
    if (text === null) rmSync(`${path}/${name}`);
    else writeFileSync(`${path}/${name}`, text);
  }
  git(path, 'add', '-A');
  git(path, 'commit', '-qm', message);
  return git(path, 'rev-parse', 'HEAD');
}
const origin = repository('origin');
git(origin, 'config', 'uploadpack.allowFilter', 'true');
git(origin, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
const first = commit(origin, {'old.xml': kBad, 'gone.xml': kBad});
const second = commit(origin, {'new.xml': kBad, 'gone.xml': null, 'sub/deep.xml': kBad});
const third = commit(origin, {'last.xml': kBad});
const url = pathToFileURL(origin).href;
function clone(name, ...args) {
  git(directory, 'clone', '-q', ...args, url, name);
  return `${directory}/${name}`;
}
const paths = (result) => {
  assert.ok(result.code <= 1, result.err);
  return [...new Set(JSON.parse(result.out).findings.map((one) => one.path))];
};
const changed = (cwd, range, ...more) => check(['--changed', range, '--format', 'json', ...more], {cwd});

test('--changed judges what changed and nothing else', () => {
  assert.deepEqual(paths(changed(origin, `${first}..${third}`)), ['last.xml', 'new.xml', 'sub/deep.xml']);
  assert.deepEqual(paths(changed(origin, `${first}..${second}`)), ['new.xml', 'sub/deep.xml']);
  assert.deepEqual(paths(changed(origin, 'HEAD^..HEAD')), ['last.xml']);
  assert.deepEqual(paths(changed(`${origin}/sub`, `${first}..HEAD`)), ['deep.xml']);
  assert.deepEqual(paths(changed(origin, `${first}..HEAD`, 'sub')), ['sub/deep.xml']);
  assert.deepEqual(paths(changed(origin, `${first}..HEAD`, '*.xml')), [], 'paths are no patterns');
});

test('--changed BASE takes the working tree, what is not tracked, and no file that was only touched', () => {
  const path = clone('working');
  utimesSync(`${path}/old.xml`, 1, 1);
  writeFileSync(`${path}/new.xml`, `${kBad}\n`);
  writeFileSync(`${path}/untracked.xml`, kBad);
  writeFileSync(`${path}/.gitignore`, 'ignored.xml\n');
  writeFileSync(`${path}/ignored.xml`, kBad);
  assert.deepEqual(paths(changed(path, 'HEAD')), ['new.xml', 'untracked.xml']);
});

test('--changed HEAD before the first commit takes everything', () => {
  const path = repository('unborn');
  writeFileSync(`${path}/staged.xml`, kBad);
  git(path, 'add', '.');
  writeFileSync(`${path}/untracked.xml`, kBad);
  assert.deepEqual(paths(changed(path, 'HEAD')), ['staged.xml', 'untracked.xml']);
  assert.equal(changed(path, 'HEAD..HEAD').code, 2);
});

test('--changed executes nothing that the repository names', () => {
  const path = clone('hostile');
  const mark = `${directory}/executed`;
  const evil = `${directory}/evil`;
  writeFileSync(evil, `#!/bin/sh\ntouch '${mark}'\ncat\n`);
  chmodSync(evil, 0o755);
  for (const [key, value] of [['filter.x.clean', evil], ['filter.x.required', 'true'], ['filter.y z.process', evil], ['core.fsmonitor', evil], ['diff.external', evil], ['diff.x.textconv', evil]])
    git(path, 'config', key, value);
  writeFileSync(`${path}/.gitattributes`, '*.xml filter=x diff=x\nlast.xml filter=y\\ z\n');
  writeFileSync(`${path}/new.xml`, `${kBad}\n`);
  rmSync(mark, {force: true});
  changed(path, 'HEAD');
  changed(path, `${first}..HEAD`);
  assert.ok(!existsSync(mark));
});

test('a shallow clone says what it lacks and the command that fetches it, which then suffices', () => {
  for (const [i, [range, expected, says]] of [
    ['HEAD^..HEAD', ['last.xml'], /commit 'HEAD\^' is not here, because this clone is shallow; fetch it first: (git fetch --deepen=1 origin)/],
    ['HEAD~2..HEAD', ['last.xml', 'new.xml', 'sub/deep.xml'], /(git fetch --deepen=2 origin)/],
    [`${first}..HEAD`, ['last.xml', 'new.xml', 'sub/deep.xml'], new RegExp(`(git fetch --depth=1 origin ${first})`)],
  ].entries()) {
    const path = clone(`shallow-${i}`, '--depth', '1');
    const {code, err} = changed(path, range);
    assert.equal(code, 2);
    const command = says.exec(err) ?? assert.fail(err);
    must('sh', ['-c', command[1]], {cwd: path});
    assert.deepEqual(paths(changed(path, range)), expected, command[1]);
  }
});

test('a shallow clone does not guess a common ancestor', () => {
  // The branch left main at `first`, took in `second` and went on; cut at two commits, the way to `second` is not seen.
  const path = repository('forked');
  git(path, 'pull', '-q', url, 'main');
  git(path, 'branch', 'old', first);
  git(path, 'checkout', '-q', '-b', 'topic', first);
  commit(path, {'topic.xml': kBad});
  git(path, 'merge', '-q', '-m', 'take in', second);
  commit(path, {'topic-2.xml': kBad});
  const full = paths(changed(path, 'main...topic'));
  assert.deepEqual(full, ['topic-2.xml', 'topic.xml']);
  git(directory, 'clone', '-q', '--depth', '2', '--no-single-branch', '--branch', 'topic', pathToFileURL(path).href, 'forked-shallow');
  const {code, err} = changed(`${directory}/forked-shallow`, 'origin/main...HEAD');
  assert.equal(code, 2);
  const [, command] = /shallow; fetch the history first: (git fetch --unshallow origin)/.exec(err) ?? assert.fail(err);
  must('sh', ['-c', command], {cwd: `${directory}/forked-shallow`});
  assert.deepEqual(paths(changed(`${directory}/forked-shallow`, 'origin/main...HEAD')), full);
});

test('what a CI is to set is told in its own words', () => {
  const path = clone('shallow-ci', '--depth', '1');
  for (const [variable, says] of [['GITHUB_ACTIONS', /fetch-depth: 0/], ['GITLAB_CI', /GIT_DEPTH: "0"/], ['TF_BUILD', /fetchDepth: 0/], ['JENKINS_URL', /shallow clone/]])
    assert.match(check(['--changed', 'HEAD^'], {cwd: path, env: {[variable]: 'true'}}).err, says);
});

test('a commit that is nowhere, or of zeros, is bad usage with advice', () => {
  assert.match(changed(origin, 'nowhere..HEAD').err, /commit 'nowhere' is not in this repository.*git fetch origin nowhere:refs\/remotes\/origin\/nowhere/);
  assert.match(changed(origin, `${'0'.repeat(40)}..HEAD`).err, /zeros.*origin\/main\.\.\.HEAD/);
  for (const range of ['', '..HEAD', '--all..HEAD']) assert.equal(check([`--changed=${range}`], {cwd: origin}).code, 2, range);
});

test('a filtered checkout works, and says what it lacks when the remote is gone', () => {
  const path = clone('filtered', '--filter=blob:none');
  assert.deepEqual(paths(changed(path, `${first}..HEAD`)), ['last.xml', 'new.xml', 'sub/deep.xml']);
  assert.deepEqual(paths(changed(path, `${first}..${second}`)), ['new.xml', 'sub/deep.xml']);
  const empty = clone('filtered-empty', '--filter=blob:none', '--no-checkout');
  renameSync(origin, `${origin}-away`);
  try {
    const {code, err} = changed(empty, 'HEAD^..HEAD');
    assert.equal(code, 3);
    assert.match(err, /last\.xml: its content is not here.*filter.*git fetch --refetch --no-filter origin/);
  } finally {
    renameSync(`${origin}-away`, origin);
  }
  must('sh', ['-c', 'git fetch -q --refetch --no-filter origin'], {cwd: empty});
  assert.deepEqual(paths(changed(empty, 'HEAD^..HEAD')), ['last.xml']);
});

test('a linked worktree and a submodule are checkouts like others', () => {
  const path = clone('with-worktree');
  git(path, 'worktree', 'add', '-q', '../linked', second);
  assert.deepEqual(paths(changed(`${directory}/linked`, `${first}..HEAD`)), ['new.xml', 'sub/deep.xml']);
  const outer = repository('outer');
  git(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', url, 'inner');
  const before = commit(outer, {'top.xml': kGood});
  assert.deepEqual(paths(changed(`${outer}/inner`, 'HEAD^..HEAD')), ['last.xml']);
  git(`${outer}/inner`, 'checkout', '-q', second);
  commit(outer, {'top.xml': kBad});
  assert.deepEqual(paths(changed(outer, `${before}..HEAD`)), ['top.xml']);
  assert.deepEqual(paths(changed(outer, before)), ['top.xml']);
});

test('a checkout that belongs to somebody else is judged, and nothing is fetched in it', (t) => {
  if (process.getuid() !== 0) return t.skip('SKIPPED: only root can give a checkout away');
  const give = (path) => {
    chownSync(path, 12345, 12345);
    for (const entry of readdirSync(path, {withFileTypes: true})) {
      if (entry.isDirectory()) give(`${path}/${entry.name}`);
      else chownSync(`${path}/${entry.name}`, 12345, 12345);
    }
  };
  const path = clone('foreign');
  give(path);
  assert.notEqual(run('git', ['status'], {cwd: path}).code, 0, 'git itself refuses it');
  assert.deepEqual(paths(changed(path, 'HEAD^..HEAD')), ['last.xml']);
  writeFileSync(`${path}/old.xml`, `${kBad}\n`);
  assert.deepEqual(paths(changed(path, 'HEAD')), ['old.xml']);
  const empty = clone('foreign-filtered', '--filter=blob:none', '--no-checkout');
  give(empty);
  const {code, err} = changed(empty, 'HEAD^..HEAD');
  assert.equal(code, 3, err);
  assert.match(err, /not allowed|filter/);
});

test('with --root a deleted artifact that others name is found by --changed', () => {
  const path = repository('artifacts');
  const include = kGood.replace('<base />', '<base />\n    <include-fragment fragment-id="greeting" />');
  commit(path, {'artifacts/policy fragments/other/policy.xml': '<fragment>\n  <set-method>GET</set-method>\n</fragment>\n',
    'artifacts/policy fragments/greeting/policy.xml': '<fragment>\n  <set-method>GET</set-method>\n</fragment>\n',
    'artifacts/policy fragments/greeting/policyFragmentInformation.json': '{"properties":{"description":"hello"}}\n',
    'artifacts/apis/a/apiInformation.json': '{"properties":{"displayName":"A","path":"a","protocols":["https"]}}\n',
    'artifacts/apis/a/policy.xml': include});
  assert.equal(check(['--root', 'artifacts'], {cwd: path}).code, 0, check(['--root', 'artifacts'], {cwd: path}).out);
  git(path, 'rm', '-rq', 'artifacts/policy fragments/greeting');
  commit(path, {});
  const {code, out} = check(['--root', 'artifacts', '--changed', 'HEAD^..HEAD'], {cwd: path});
  assert.equal(code, 1, out);
  assert.match(out, /artifacts\/apis\/a\/policy\.xml:4:.*greeting/);
});

test('with --root a display name that a change takes away is found by --changed', () => {
  const path = repository('display-names');
  const shown = (name) => `{"properties":{"displayName":"${name}","value":"x"}}\n`;
  commit(path, {'artifacts/namedValues/value-1/namedValueInformation.json': shown('orders-host'),
    'artifacts/namedValues/value-2/namedValueInformation.json': shown('orders-key'),
    'artifacts/apis/a/apiInformation.json': '{"properties":{"displayName":"A","path":"a","protocols":["https"]}}\n',
    'artifacts/apis/a/policy.xml': kGood.replace('<base />', '<base />\n    <set-variable name="k" value="{{orders-key}}" />')});
  assert.equal(check(['--root', 'artifacts'], {cwd: path}).code, 0, check(['--root', 'artifacts'], {cwd: path}).out);
  commit(path, {'artifacts/namedValues/value-2/namedValueInformation.json': shown('orders-secret')});
  for (const range of ['HEAD^', 'HEAD^..HEAD']) {
    const {code, out} = check(['--root', 'artifacts', '--changed', range], {cwd: path});
    assert.equal(code, 1, out);
    assert.match(out, /artifacts\/apis\/a\/policy\.xml:4:.*'orders-key' is deleted by this change/);
  }
  // From within the tree the paths are others, and so are those of the tree before.
  const inside = check(['--root', '.', '--changed', 'HEAD^'], {cwd: `${path}/artifacts`});
  assert.match(inside.out, /^apis\/a\/policy\.xml:4:.*'orders-key' is deleted/m);
});
