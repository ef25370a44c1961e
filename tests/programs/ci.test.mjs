// docs/ci.md and .pre-commit-hooks.yaml: what people copy must parse, and its commands must run.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {dirname} from 'node:path';
import {after, test} from 'node:test';
import {fileURLToPath} from 'node:url';

const kTop = fileURLToPath(new URL('../..', import.meta.url));
const kBin = process.env.POSTERN_BIN ?? `${kTop}/build/release/bin`;
const yaml = createRequire(`${kTop}/fixtures/package.json`)('yaml');
const page = readFileSync(`${kTop}/docs/ci.md`, 'utf8');
const directory = mkdtempSync(`${tmpdir()}/postern-ci-`);
after(() => rmSync(directory, {recursive: true, force: true}));

const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({language, text}));
const parsed = (text) => yaml.parse(text, {strict: true, uniqueKeys: true});
const section = (name) => {
  const at = page.indexOf(`\n## ${name}\n`);
  assert.ok(at >= 0, name);
  return parsed(/^```yaml\n([\s\S]*?)^```$/m.exec(page.slice(at))[1]);
};

test('every YAML block parses and is a mapping', () => {
  const found = blocks.filter((block) => block.language === 'yaml');
  assert.equal(found.length, 5);
  for (const block of found) assert.equal(typeof parsed(block.text), 'object');
});

test('each CI finds its keys', () => {
  const github = section('GitHub Actions');
  const steps = github.jobs.policies.steps;
  assert.ok('pull_request' in github.on);
  assert.equal(github.permissions['security-events'], 'write');
  assert.equal(steps[0].with['fetch-depth'], 2);
  assert.equal(steps.at(-1).with.sarif_file, 'postern.sarif');
  assert.match(steps.at(-1).uses, /^github\/codeql-action\/upload-sarif@v\d$/);
  const azure = section('Azure Pipelines');
  assert.equal(azure.steps[0].fetchDepth, 2);
  assert.equal(azure.steps[2].inputs.testResultsFormat, 'JUnit');
  const gitlab = section('GitLab');
  assert.equal(gitlab.policies.variables.GIT_DEPTH, '0');
  assert.equal(gitlab.policies.artifacts.reports.codequality, 'gl-code-quality-report.json');
  assert.deepEqual(section('Gitpod').tasks.policies.triggeredBy, ['postEnvironmentStart', 'manual']);
});

test('every option that the documentation gives postern-check exists', () => {
  const help = spawnSync(`${kBin}/postern-check`, ['--help'], {encoding: 'utf8'}).stdout;
  const known = new Set(help.match(/--[a-z-]+/g));
  let seen = 0;
  for (const file of ['docs/ci.md', 'docs/policy-language.md', 'README.md', '.pre-commit-hooks.yaml']) {
    for (const [command] of readFileSync(`${kTop}/${file}`, 'utf8').matchAll(/postern-check [^\n`']*/g)) {
      for (const option of command.split('>')[0].match(/(?<= )--[a-z-]+/g) ?? []) {
        ++seen;
        assert.ok(known.has(option), `${file}: ${option}`);
      }
    }
  }
  assert.ok(seen > 20);
});

// An artifact tree with a second commit that breaks it.
const git = (...args) => {
  const result = spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {cwd: directory, encoding: 'utf8'});
  assert.equal(result.status, 0, result.stderr);
  return result.stdout.trim();
};
const write = (name, text) => {
  mkdirSync(dirname(`${directory}/${name}`), {recursive: true});
  writeFileSync(`${directory}/${name}`, text);
};
const kGood = '<policies>\n  <inbound>\n    <base />\n  </inbound>\n</policies>\n';
git('init', '-q', '-b', 'main');
write('apimartifacts/apis/a/apiInformation.json', '{"properties":{"displayName":"A","path":"a","protocols":["https"]}}\n');
write('apimartifacts/apis/a/policy.xml', kGood);
git('add', '.');
git('commit', '-qm', 'one');
const base = git('rev-parse', 'HEAD');
git('update-ref', 'refs/remotes/origin/main', base);
write('apimartifacts/apis/a/policy.xml', kGood.replace('<base />', '<bsae />'));
git('add', '.');
git('commit', '-qm', 'two');
write('apimartifacts/apis/b/policy.xml', kGood.replace('<base />', '<bsae />'));
write('buffer', '');

test('every command of the page runs, and finds what is wrong', () => {
  const commands = new Set();
  for (const [, command] of page.matchAll(/(?:run: |script: |- |command: |exec |sh '|`)(postern-check -[^\n`']*)/g))
    if (!command.includes('${{')) commands.add(command);
  assert.ok(commands.size >= 8, [...commands].join('\n'));
  for (const command of commands) {
    const result = spawnSync('sh', ['-c', command], {cwd: directory, encoding: 'utf8',
      env: {PATH: `${kBin}:${process.env.PATH}`, HOME: directory, CI_MERGE_REQUEST_DIFF_BASE_SHA: base}});
    assert.equal(result.status, command.includes('--write-baseline') ? 0 : 1, `${command}: ${result.stderr}`);
  }
  for (const file of ['postern.sarif', 'postern.xml', 'gl-code-quality-report.json', 'apimartifacts/postern-baseline.json'])
    assert.match(readFileSync(`${directory}/${file}`, 'utf8'), /unknown-element/, file);
});

test('the hooks of pre-commit have what it asks for, and their programs exist', () => {
  const hooks = parsed(readFileSync(`${kTop}/.pre-commit-hooks.yaml`, 'utf8'));
  assert.deepEqual(hooks.map((hook) => hook.id), ['postern-check', 'postern-check-tree']);
  for (const hook of hooks) {
    assert.ok(hook.name && hook.description);
    assert.equal(hook.language, 'system');
    assert.ok(existsSync(`${kBin}/${hook.entry.split(' ')[0]}`));
  }
  const files = new RegExp(hooks[0].files);
  for (const path of ['policy.xml', 'apis/a/policy.xml', 'policy fragments/f/policy.xml']) assert.match(path, files);
  for (const path of ['apis/a/my-policy.xml', 'policy.xml.orig', 'pom.xml']) assert.doesNotMatch(path, files);
  const [tree] = hooks.slice(1);
  const result = spawnSync(`${kBin}/postern-check`, [...tree.entry.split(' ').slice(1), ...tree.args], {cwd: directory, encoding: 'utf8'});
  assert.equal(result.status, 1, result.stderr);
  assert.match(result.stdout, /apis\/b\/policy\.xml/);
  const used = section('pre-commit').repos[0].hooks.map((hook) => hook.id);
  assert.deepEqual(used, hooks.map((hook) => hook.id));
});
