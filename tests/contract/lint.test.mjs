// Redocly and Spectral have nothing to say about the contract; and they would.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const contract = join(here, '../../proto-free-api');
const quiet = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
const tool = (name, ...options) => {
  const ended = spawnSync(join(here, 'node_modules/.bin', name), options, { encoding: 'utf8', env: quiet });
  if (ended.error) throw ended.error;
  return ended;
};

// What a linter finds in a document, a line each, warnings and hints as well. One that did not look at it throws.
const linters = {
  redocly(document) {
    const { stdout, stderr } = tool('redocly', 'lint', '--config', join(here, 'redocly.yaml'), '--format', 'json', document);
    let said;
    try { said = JSON.parse(stdout); } catch { throw new Error(`redocly says: ${stdout}${stderr}`); }
    return said.problems.map(one => `${one.ruleId}: ${one.message}`);
  },
  spectral(document) {
    const { status, stdout, stderr } = tool('spectral', 'lint', '--ruleset', join(here, 'spectral.yaml'), '--fail-severity', 'hint', '--format', 'json', document);
    let said;
    try { said = JSON.parse(stdout.slice(0, stdout.lastIndexOf(']') + 1)); } catch { throw new Error(`spectral says: ${stdout}${stderr}`); }
    if (status !== (said.length ? 1 : 0)) throw new Error(`spectral ended with ${status}: ${stdout}${stderr}`);
    return said.map(one => `${one.code}: ${one.message}`);
  },
};

const folder = mkdtempSync(join(tmpdir(), 'contract-lint.'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const [name, lint] of Object.entries(linters)) {
  test(`${name} is silent`, () => assert.deepEqual(lint(join(contract, 'openapi.yaml')), []));

  test(`${name} would say so: an operation without an id, an example that its schema refuses`, () => {
    cpSync(contract, folder, { recursive: true });
    const text = readFileSync(join(contract, 'openapi.yaml'), 'utf8');
    const spoiled = text.replace(/^ *operationId: createSession\n/m, '').replace('is_smart_optimization_active_default: true', "is_smart_optimization_active_default: 'yes'");
    assert.notEqual(spoiled, text);
    writeFileSync(join(folder, 'openapi.yaml'), spoiled);
    const found = lint(join(folder, 'openapi.yaml')).join('\n');
    assert.match(found, /operation-operationId/);
    assert.match(found, /boolean/);
  });
}
