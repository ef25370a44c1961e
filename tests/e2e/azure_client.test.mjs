// Azure's own JavaScript client against the stand-in: what it creates, reads and deletes there shows that the stand-in
// speaks as Azure does.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import path from 'node:path';
import test from 'node:test';
import {fileURLToPath, pathToFileURL} from 'node:url';

const here = fileURLToPath(import.meta.url);
const fixtures = path.join(path.dirname(here), '..', '..', 'fixtures');
const fixturesRequire = createRequire(path.join(fixtures, 'package.json'));

const kPolicy = '<policies>\n  <inbound>\n    <base />\n    <set-header name="x-part" exists-action="override">\n'
  + '      <value>@(context.Request.Headers.GetValueOrDefault("x-part", "<none>"))</value>\n    </set-header>\n  </inbound>\n</policies>\n';

/** What runs inside the child, where NODE_EXTRA_CA_CERTS is in force. */
async function script({armUrl, token, service}) {
  const {ApiManagementClient} = await import(pathToFileURL(fixturesRequire.resolve('@azure/arm-apimanagement')).href);
  const [, , subscription, , group, , , , name] = service.split('/');
  const credential = {getToken: async () => ({token, expiresOnTimestamp: Date.now() + 3600000})};
  const client = new ApiManagementClient(credential, subscription, {endpoint: armUrl});
  const seen = {};

  const created = await client.policy.createOrUpdate(group, name, 'policy', {value: kPolicy, format: 'rawxml'});
  seen.createdEtag = typeof created.eTag;
  const raw = await client.policy.get(group, name, 'policy', {format: 'rawxml'});
  seen.raw = raw.value;
  seen.escaped = (await client.policy.get(group, name, 'policy')).value;
  seen.tag = raw.eTag;
  try {
    await client.policy.createOrUpdate(group, name, 'policy', {value: kPolicy, format: 'rawxml'}, {ifMatch: '"AAAA"'});
  } catch (error) {
    seen.stale = [error.statusCode, error.code];
  }
  try {
    await client.policy.createOrUpdate(group, name, 'policy', {format: 'rawxml',
      value: '<policies>\n  <inbound>\n    <include-fragment fragment-id="later" />\n  </inbound>\n</policies>'});
  } catch (error) {
    seen.missing = [error.statusCode, error.code, error.details?.error?.details?.[0]?.message ?? error.message];
  }

  const value = await client.namedValue.beginCreateOrUpdateAndWait(group, name, 'region', {displayName: 'region', value: 'west'});
  seen.namedValue = [value.displayName, value.value];
  await client.namedValue.beginCreateOrUpdateAndWait(group, name, 'key', {displayName: 'key', value: 's3', secret: true});
  seen.secretInGet = (await client.namedValue.get(group, name, 'key')).value ?? null;
  seen.secretInList = (await client.namedValue.listValue(group, name, 'key')).value;

  await client.policyFragment.beginCreateOrUpdateAndWait(group, name, 'later',
    {value: '<fragment>\n  <set-variable name="r" value="{{region}}" />\n</fragment>', format: 'rawxml'});
  seen.fragment = (await client.policyFragment.get(group, name, 'later', {format: 'rawxml'})).value;
  try {
    await client.policyFragment.beginCreateOrUpdateAndWait(group, name, 'broken', {value: '<fragment><set-headr /></fragment>', format: 'rawxml'});
  } catch (error) {
    seen.lateFailure = error.message;
  }
  await client.apiPolicy.createOrUpdate(group, name, 'orders', 'policy', {format: 'rawxml',
    value: '<policies><inbound><include-fragment fragment-id="later" /></inbound></policies>'});
  const names = [];
  for await (const item of client.policyFragment.listByService(group, name)) names.push(item.name);
  seen.fragments = names;

  await client.apiPolicy.delete(group, name, 'orders', 'policy', '*');
  await client.policyFragment.delete(group, name, 'later', '*');
  await client.namedValue.delete(group, name, 'region', '*');
  await client.policy.delete(group, name, 'policy', '*');
  try {
    await client.policy.get(group, name, 'policy');
  } catch (error) {
    seen.afterDelete = [error.statusCode, error.code];
  }
  return seen;
}

if (process.env.POSTERN_AZURE_CLIENT) {
  console.log(JSON.stringify(await script(JSON.parse(process.env.POSTERN_AZURE_CLIENT))));
} else {
  let installed = true;
  try {
    fixturesRequire.resolve('@azure/arm-apimanagement');
  } catch {
    installed = false;
  }
  test('the official client creates reads and deletes on the stand-in', {skip: installed ? false : 'SKIPPED: npm ci in fixtures has not run'}, async () => {
    const {startAzure} = await import(pathToFileURL(path.join(fixtures, 'azure', 'azure.mjs')).href);
    const directory = mkdtempSync(path.join(tmpdir(), 'postern-azure-'));
    const azure = await startAzure({directory});
    try {
      azure.seed('apis/orders', {displayName: 'Orders', path: 'orders'});
      const token = azure.tokens.issue({audience: 'https://management.azure.com/', client: 'test'});
      // The child must not be waited for by blocking: the stand-in answers from this very thread.
      const child = spawn(process.execPath, [here], {stdio: ['ignore', 'pipe', 'pipe'], env: {...process.env,
        NODE_EXTRA_CA_CERTS: azure.caFile, POSTERN_AZURE_CLIENT: JSON.stringify({armUrl: azure.armUrl, token, service: azure.service})}});
      let out = '';
      let err = '';
      child.stdout.on('data', (chunk) => { out += chunk; });
      child.stderr.on('data', (chunk) => { err += chunk; });
      const code = await new Promise((resolve) => child.once('close', resolve));
      assert.equal(code, 0, err);
      const seen = JSON.parse(out);

      assert.equal(seen.createdEtag, 'string');
      assert.equal(azure.puts()[0].value, kPolicy, 'the bytes of the PUT are recorded as they came');
      assert.match(seen.raw, /GetValueOrDefault\("x-part", "<none>"\)/, 'rawxml comes back unescaped');
      assert.match(seen.raw, /\r\n {4}<inbound>\r\n/, 'and re-serialised');
      assert.match(seen.escaped, /GetValueOrDefault\("x-part", "&lt;none&gt;"\)/, 'the default format is escaped');
      assert.deepEqual(seen.stale, [412, 'PreconditionFailed']);
      assert.equal(seen.missing[0], 400);
      assert.equal(seen.missing[1], 'ValidationError');
      assert.deepEqual(seen.namedValue, ['region', 'west']);
      assert.equal(seen.secretInGet, null);
      assert.equal(seen.secretInList, 's3');
      assert.match(seen.fragment, /<set-variable name="r" value="\{\{region\}\}" \/>/);
      assert.ok(seen.lateFailure, 'a fragment that fails does so at the end of its operation');
      assert.deepEqual(seen.fragments, ['later']);
      assert.deepEqual(seen.afterDelete, [404, 'ResourceNotFound']);
    } finally {
      await azure.stop();
      rmSync(directory, {recursive: true, force: true});
    }
  });
}
