// The three examples of the chart's ci/ folder: rendered by helm 3 and 4, checked, and started.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { configuration, cross } from './cross.mjs';
import { stale } from './generate.mjs';
import { faults } from './kubernetes.mjs';
import { chart, root } from './places.mjs';
import { ask, bin, freePort, key, stage, until } from './programs.mjs';
import { changed, example, examples, helm, helms, objects, template } from './render.mjs';

// What the text before an example says exists already.
const beside = { 'simulator-tls': ['tls.crt', 'tls.key', 'ca.crt'], 'podero-sandbox': ['client-id', 'client-secret', 'support-tool-key-sha256'], 'post-sync-caller': ['key'], 'callers-tls': ['tls.crt', 'tls.key', 'ca.crt'], 'house-ca': ['ca.pem'] };

async function check(values, where) {
  const texts = helms.map(which => {
    const lint = helm(which, ['lint', '--strict', chart], values);
    assert.ok(lint.ok, `${where} ${which} lint: ${lint.said}`);
    const got = template(which, values);
    assert.ok(got.ok, `${where} ${which}: ${got.said}`);
    assert.equal(template(which, values).out, got.out, `${where} ${which}: two renderings differ`);
    return got.out;
  });
  assert.deepEqual(objects(texts[0]), objects(texts[1]), `${where}: helm 3 and 4 render different objects`);
  const all = objects(texts[1]);
  for (const o of all) assert.deepEqual(await faults(o), [], `${where} ${o.kind}/${o.metadata.name}`);
  assert.deepEqual(cross(all, beside), [], where);
  return all;
}

test('schema and table are what their sources say', () => assert.deepEqual(stale().map(([path]) => path), []));

for (const name of examples) {
  test(`${name} renders alike with helm 3 and 4, and every object is right`, async () => {
    const all = await check(example(name), name);
    assert.ok(all.length >= 5, 'there is something');
  });
}

const variants = {
  'everything off': ['single-replica-values.yaml', { 'serviceAccount.create': false, 'networkPolicy.enabled': false, 'metrics.scrape': 'none', 'podDisruptionBudget.enabled': false }],
  'OpenShift: no ids': ['production-values.yaml', { 'podSecurity.runAsUser': null, 'podSecurity.runAsGroup': null, 'podSecurity.fsGroup': null }],
  'a fixed number of pods': ['production-values.yaml', { 'autoscaling.enabled': false, replicas: 3, reload: 'roll' }],
  'preStop instead of drain.delay': ['production-values.yaml', { preStopSleepSeconds: 10, 'config.drain': { delay: '0s', timeout: '20s' } }],
  'through a proxy': ['production-values.yaml', { 'config.accounts.production.proxy': 'http://egress.proxy.svc:3128', 'networkPolicy.podero': 'proxy', 'networkPolicy.proxy': [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'proxy' } } }] }],
  'names by Cilium': ['production-values.yaml', { 'networkPolicy.podero': 'cilium' }],
  'TLS for callers': ['single-replica-values.yaml', { tlsSecret: 'callers-tls', 'config.listeners': { api: { port: 8443, tls: { certificate_file: '/run/tls/tls.crt', private_key_file: '/run/tls/tls.key' } } }, 'service.port': 443 }],
  'extras': ['production-values.yaml', { commonLabels: { team: 'platform' }, commonAnnotations: { owner: 'platform' }, podLabels: { tier: 'edge' }, podAnnotations: { note: 'x' }, extraEnv: [{ name: 'TZ', value: 'UTC' }], extraVolumes: [{ name: 'ca', configMap: { name: 'gateway-onboarding-gateway' } }], extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/our-ca', readOnly: true }], 'config.shared_state.redis.ca_file': '/etc/our-ca/ca.pem', nodeSelector: { pool: 'edge' }, tolerations: [{ key: 'edge', operator: 'Exists' }], priorityClassName: 'high', 'service.trafficDistribution': 'PreferClose', 'image.digest': 'sha256:' + '0'.repeat(64) }],
  'TLS for operators, by ServiceMonitor': ['production-values.yaml', { tlsSecret: 'callers-tls', 'config.listeners': { admin: { tls: { certificate_file: '/run/tls/tls.crt', private_key_file: '/run/tls/tls.key' } } },
    'metrics.tlsConfig': { ca: { secret: { name: 'callers-tls', key: 'ca.crt' } }, serverName: 'gateway.internal.example' } }],
  'TLS for operators, by PodMonitor': ['single-replica-values.yaml', { tlsSecret: 'callers-tls', 'config.listeners': { admin: { tls: { certificate_file: '/run/tls/tls.crt', private_key_file: '/run/tls/tls.key' } } },
    'metrics.tlsConfig': { ca: { secret: { name: 'house-ca', key: 'ca.pem' } }, serverName: 'gateway.internal.example' } }],
  'no PodDisruptionBudget': ['production-values.yaml', { podDisruptionBudget: null }],
  'hosts from variables, without a policy that would have to know them': ['production-values.yaml', { 'networkPolicy.enabled': false, 'config.shared_state.redis.url': '${env:T}', 'config.accounts.production.base_url': '${env:T}', 'test.enabled': true, extraEnv: [{ name: 'T', value: 'x' }] }],
  'a path from a variable': ['production-values.yaml', { 'config.accounts.production.base_url': 'https://app.podero.com/${env:T}', extraEnv: [{ name: 'T', value: 'x' }] }],
  'as a part of another chart': ['single-replica-values.yaml', { global: { anything: 1 } }],
};
for (const [name, [from, change]] of Object.entries(variants)) {
  test(`variant: ${name}`, async () => { await check(changed(example(from), change), name); });
}

test('a chart that is not enabled renders nothing', () => {
  for (const which of helms) assert.deepEqual(objects(template(which, changed(example('production-values.yaml'), { enabled: false })).out), []);
});

test('no custom resource without being asked', () => {
  const values = changed(example('single-replica-values.yaml'), { metrics: undefined });
  for (const o of objects(template('helm-4', values).out)) assert.match(o.apiVersion, /^(v1|apps\/v1|networking\.k8s\.io\/v1|policy\/v1|autoscaling\/v2|batch\/v1)$/);
});

test('templates ask no cluster, clock or chance', () => {
  for (const file of readdirSync(`${chart}/templates`, { recursive: true }).filter(f => /\.(yaml|tpl|txt)$/.test(f))) {
    const found = readFileSync(`${chart}/templates/${file}`, 'utf8').match(/\{\{[^}]*(\blookup\b|\brand\w*|\bnow\b|\bgenCA\b|\bgenSelfSignedCert\b|\buuidv4\b|\.Capabilities|\.Release\.(IsInstall|IsUpgrade|Revision))/);
    assert.equal(found, null, `${file}: ${found?.[0]}`);
  }
});

test('max_replicas has room for the pods of an update and those that drain; what is given by hand stays', () => {
  const of = change => configuration(objects(template('helm-4', changed(example('production-values.yaml'), change)).out)).shared_state.max_replicas;
  assert.equal(of({}), 9);
  assert.equal(of({ 'autoscaling.enabled': false, replicas: 2, 'rollingUpdate.maxSurge': 2 }), 6);
  assert.equal(of({ 'config.shared_state.max_replicas': 20 }), 20);
});

test('reload: watch rolls pods for keys that need a restart only, roll for all', () => {
  const annotations = change => objects(template('helm-4', changed(example('production-values.yaml'), change)).out).find(o => o.kind === 'Deployment').spec.template.metadata.annotations;
  const other = { 'config.accounts.production.session_reuse': '5m' };
  const restart = { 'config.listeners': { api: { port: 8081 } } };
  assert.deepEqual(annotations(other), annotations({}));
  assert.notDeepEqual(annotations(restart), annotations({}));
  assert.notDeepEqual(annotations({ ...other, reload: 'roll' }), annotations({ reload: 'roll' }));
});

// Another value for every row of the table in service/settings/changes.cpp, by which the gateway says what it can take over while it runs.
const otherValues = {
  'callers.*.key_sha256': ['0'.repeat(64)], 'callers.*.certificate_san': ['spiffe://internal.example/x'], 'callers.*.accounts': [], 'callers.*.weight': 9,
  'callers.*.redirect_hosts': ['x.example.com'], 'callers.*.defaults': { language: 'en' }, 'callers.*.limits': { ACCOUNT: { open_sessions: 3 } },
  callers: { another: { key_sha256: ['0'.repeat(64)], accounts: [] } },
  'accounts.*.token.client_id': 'x', 'accounts.*.token.client_id_file': 'FILE', 'accounts.*.token.client_secret': 'x', 'accounts.*.token.client_secret_file': 'FILE',
  'accounts.*.timeouts': { total: '17s' }, 'accounts.*.retries.attempts': 2, 'accounts.*.limits.degraded_share': 0.3, 'accounts.*.limits.queue': { length: 7 },
  'accounts.*.limits': { requests: [{ rate: 3, per: '1s' }] }, 'accounts.*.pause': { max: '3m' }, 'accounts.*.session_reuse': '3m', 'accounts.*.require_idempotency_key': 'NOT',
  'accounts.*.allow_http_redirects': true, 'accounts.*.unknown_members': 'refuse', 'accounts.*.languages': ['de'], 'accounts.*.price_zones': ['AT'],
  'accounts.*.max_wait_state': '7s', 'accounts.*.completion_polls': { interval: '7s' }, 'accounts.*.devices': { cache: '7s' },
  'accounts.*.defaults': { language: 'en' }, 'accounts.*.base_url': 'https://other.podero.com/api', 'test_accounts.*.open_sessions': 3, 'test_accounts.*.slot_ttl': '12m',
  'test_accounts.*.limits': { sessions: [{ rate: 1, per: '9s' }] }, test_accounts: { other: {} }, drain: { delay: '2s', timeout: '9s' }, 'log.level': 'debug', log: { format: 'text' },
  listeners: { api: { port: 8081 } }, control_socket: '/run/onboarding-gateway/other.sock', threads: 3, allow_anonymous: true, shared_state: { max_replicas: 50 },
  overload: { max_in_flight: 7 }, tracing: { sample: 0.5 }, accounts: { other: { base_url: 'https://other.podero.com/api' } },
};
const rows = [...readFileSync(`${root}/service/settings/changes.cpp`, 'utf8').matchAll(/change_row\{"([^"]+)", takes::(\w+)\}/g)].map(m => ({ keys: m[1], takes: m[2] }));

for (const [store, name] of [['redis', 'production-values.yaml'], ['memory', 'single-replica-values.yaml']]) {
  test(`reload: watch rolls pods for what the gateway cannot take over, and for nothing else (store: ${store})`, () => {
    assert.ok(rows.length > 30, 'the table was not found');
    const base = changed(example(name), { reload: 'watch', 'config.test_accounts': { 'nibe-demo': { open_sessions: 2 } }, 'config.log': { level: 'info' } });
    const account = Object.keys(base.config.accounts)[0];
    const checksum = values => {
      const got = helm('helm-4', ['template', 'gateway', chart, '--namespace', 'onboarding', '--skip-schema-validation', '--show-only', 'templates/deployment.yaml'], values);
      assert.ok(got.ok, got.said);
      return objects(got.out)[0].spec.template.metadata.annotations['checksum/restart-keys'];
    };
    const before = checksum(base);
    for (const { keys, takes } of rows) {
      assert.ok(keys in otherValues, `${keys} has no other value here`);
      const names = { callers: Object.keys(base.config.callers)[0], accounts: account, test_accounts: 'nibe-demo' };
      const path = `config.${keys.replace('*', names[keys.split('.')[0]])}`;
      let to = otherValues[keys];
      if (to === 'FILE') to = `/run/secrets/onboarding-gateway/${base.secrets.existingKeys?.[2] ?? 'redis-password'}`;
      if (to === 'NOT') to = !base.config.accounts[account].require_idempotency_key;
      if (keys.endsWith('accounts') && Array.isArray(to)) to = [account];
      if (keys === 'callers.*.limits') to = { [account]: to.ACCOUNT };
      const now = path.split('.').reduce((at, k) => at?.[k], base);
      if (typeof to === 'object' && !Array.isArray(to) && !['drain'].includes(keys)) to = { ...now, ...to };
      if (keys === 'callers') to.another.accounts = [account];
      if (keys === 'accounts') to.other = { ...base.config.accounts[account], ...to.other };
      if (JSON.stringify(to) === JSON.stringify(now)) continue;   // callers.*.accounts of the only account
      const rolls = checksum(changed(base, { [path]: to })) !== before;
      const needed = takes === 'restart' || (takes === 'at_once_unless_shared' && store === 'redis');
      assert.equal(rolls, needed, `${keys}: the pods are ${rolls ? '' : 'not '}rolled, and the gateway says ${takes}`);
    }
  });
}

test('the memory limit holds as many slow callers as may connect', () => {
  const standard = parse(readFileSync(`${root}/config/gateway.yaml`, 'utf8')).listeners.api.max_connections;
  assert.equal(standard, 10_000);
  for (const name of examples) {
    const all = objects(template('helm-4', example(name)).out);
    const most = configuration(all).listeners?.api?.max_connections ?? standard;
    const limit = all.find(o => o.kind === 'Deployment' && o.metadata.labels['app.kubernetes.io/component'] === 'gateway').spec.template.spec.containers[0].resources.limits.memory;
    const mib = { Mi: 1, Gi: 1024 }[limit.slice(-2)] * parseInt(limit);
    // As bench/slow has it: 40 KiB of the gateway at most, which that fails beyond; and what the kernel holds to be sent to who does not read.
    const needed = 16 + most * (40 + 22) / 1024;
    assert.ok(mib >= 1.1 * needed, `${name}: ${limit} for ${most} connections, which may need ${Math.ceil(needed)} MiB`);
  }
});

test('Prometheus verifies the listener for operators as it is told', () => {
  for (const [name, endpoints] of [['TLS for operators, by ServiceMonitor', 'endpoints'], ['TLS for operators, by PodMonitor', 'podMetricsEndpoints']]) {
    const values = changed(example(variants[name][0]), variants[name][1]);
    const [endpoint] = objects(template('helm-4', values).out).find(o => o.kind.endsWith('Monitor')).spec[endpoints];
    assert.equal(endpoint.scheme, 'https');
    assert.deepEqual(endpoint.tlsConfig, values.metrics.tlsConfig);
  }
  const [plain] = objects(template('helm-4', example('production-values.yaml')).out).find(o => o.kind === 'ServiceMonitor').spec.endpoints;
  assert.deepEqual([plain.scheme, plain.tlsConfig], ['http', undefined]);
});

// Where the members of each struct of service/settings/keys stand in the schema.
const inSchema = { pool: 'account.pool', retries: 'account.retries', circuit_breaker: 'account.circuit_breaker', test_account: 'test_account', caller: 'caller', window: 'window', queue: 'account.limits.queue',
  account_limits: 'account.limits', caller_limits: 'caller_limits', listener: 'listener', shared_state: 'shared_state', overload: 'overload', tracing: 'tracing' };

test('the schema and the gateway know the same ranges of numbers', () => {
  const schema = JSON.parse(readFileSync(`${root}/config/gateway.schema.json`, 'utf8'));
  const folder = `${root}/service/settings/keys`;
  let seen = 0;
  for (const file of readdirSync(folder))
    for (const [, name, body] of readFileSync(`${folder}/${file}`, 'utf8').matchAll(/^void describe\(auto& see, (\w+)& \w+\) \{\n([^]*?)\n\}/gm))
      for (const [, key, low, high] of body.matchAll(/see\("(\w+)".*within\(([\d.']+), ([\d.']+)\)/g)) {
        assert.ok(name in inSchema, `${name}.${key} has no place in the schema here`);
        const [first, ...rest] = inSchema[name].split('.');
        const one = rest.reduce((at, member) => at.properties[member], schema.$defs[first] ?? schema.properties[first]).properties[key];
        assert.deepEqual([one.minimum, one.maximum], [low, high].map(text => Number(text.replaceAll("'", ''))), `${name}.${key}`);
        ++seen;
      }
  assert.ok(seen >= 18, `${seen} ranges`);
});

test('the schema of values lets through what the gateway takes', () => {
  const taken = {
    'config.accounts.production.resolve': { 'app.podero.com': '192.0.2.1', 'app.podero.com:443': '192.0.2.1:8443', 'a.example': '[2001:db8::1]:443', 'b.example': '2001:db8::1', 'c.example': '[::1]' },
    'config.callers.customer-portal.redirect_hosts': ['*.my-customerportal.com', 'localhost', '[::1]', 'Portal.example.', '192.0.2.1'],
    'config.callers.customer-portal.weight': '${env:WEIGHT}', 'config.overload': { max_in_flight: 1_000_000 }, 'config.accounts.production.limits.degraded_share': 0.9, extraEnv: [{ name: 'WEIGHT', value: '3' }],
    resources: { requests: { cpu: 0.5, memory: '128000Ki' }, limits: { cpu: '2', memory: 805306368 } }, commonLabels: { 'example.com/team': 'Platform_1', empty: '' },
  };
  for (const which of helms) { const got = template(which, changed(example('production-values.yaml'), taken)); assert.ok(got.ok, got.said); }
  const one = template('helm-4', changed(example('production-values.yaml'), { 'config.callers.customer-portal.redirect_hosts': '*.my-customerportal.com' }));
  assert.ok(one.ok, one.said);
});

// What config/gateway.yaml says of accounts, against the same table. Redis and memory differ in what is [live alone].
test('config/gateway.yaml lists what of an account changes without a restart, all of it and nothing else', () => {
  const text = readFileSync(`${root}/config/gateway.yaml`, 'utf8');
  const said = text.match(/# \[restart\], but for what is \[live\]: ([^]*?); and \[live alone\]: ([^]*?)\.\n(?!#)/).slice(1).map(part => part.replace(/\n#\s*/g, ' '));
  const [live, alone] = said.map(part => part.replace('client_id and client_secret of token', 'token.client_id, token.client_secret').replace(' without degraded_share', '').split(', '));
  const of = takes => rows.filter(r => r.takes === takes && r.keys.startsWith('accounts.*.')).map(r => r.keys.slice('accounts.*.'.length)).filter(k => !k.endsWith('_file'));
  assert.deepEqual(live.sort(), of('at_once').sort());
  assert.deepEqual(alone.sort(), of('at_once_unless_shared').sort());
});

test('who asks over TLS verifies the gateway', () => {
  const tls = { tlsSecret: 'callers-tls', 'config.listeners': { api: { port: 8443, tls: { certificate_file: '/run/tls/tls.crt', private_key_file: '/run/tls/tls.key' } } }, 'service.port': 443, 'postSync.enabled': true };
  const job = change => objects(template('helm-4', changed(example('single-replica-values.yaml'), { ...tls, ...change })).out).find(o => o.kind === 'Job').spec.template.spec;
  const own = job({});
  assert.match(own.containers[0].args[0], /--cacert \/run\/authority\/ca\.crt "\$@"/);
  assert.deepEqual(own.volumes, [{ name: 'authority', secret: { secretName: 'callers-tls', items: [{ key: 'ca.crt', path: 'ca.crt' }] } }]);
  assert.equal(own.containers[0].env[0].value, 'https://gateway-onboarding-gateway:443');
  const named = job({ tlsServerName: 'gateway.internal.example', tlsCaKey: '' });
  assert.match(named.containers[0].args[0], /--max-time 60 --connect-to ::gateway-onboarding-gateway: "\$@"/);
  assert.equal(named.containers[0].env[0].value, 'https://gateway.internal.example:443');
  assert.equal(named.volumes, undefined);
  for (const spec of [own, named, job({ 'config.listeners': {}, tlsSecret: '' })]) assert.doesNotMatch(spec.containers[0].args[0], /--insecure|-k /);
});

// The pods of a Job cannot be changed, and these change with every version: helm and Argo CD have to make the Job anew.
test('the Job after a sync is a hook, of helm and of Argo CD', () => {
  for (const which of helms) {
    const all = objects(template(which, example('production-values.yaml')).out);
    const job = all.find(o => o.kind === 'Job');
    assert.deepEqual(job.metadata.annotations, {
      // Argo CD takes no notice of helm's where its own stands, and puts both policies together.
      'argocd.argoproj.io/hook': 'PostSync', 'argocd.argoproj.io/hook-delete-policy': 'BeforeHookCreation',
      'helm.sh/hook': 'post-install,post-upgrade', 'helm.sh/hook-delete-policy': 'before-hook-creation' });
    // What is in the release, and so patched by an upgrade, has no Job.
    const kept = helm(which, ['template', 'gateway', chart, '--namespace', 'onboarding', '--no-hooks'], example('production-values.yaml'));
    assert.deepEqual(objects(kept.out).filter(o => o.kind === 'Job'), []);
  }
});

test('all images of the example for production come from its registry', () => {
  const all = objects(template('helm-4', example('production-values.yaml')).out);
  const images = all.flatMap(o => o.spec?.template?.spec?.containers ?? []).map(c => c.image);
  assert.deepEqual(images.sort(), ['registry.internal.example/platform/onboarding-gateway-test:0.1.0', 'registry.internal.example/platform/onboarding-gateway:0.1.0']);
});

// What somebody types at night works as it stands, for the install that docs/from-zero-to-production.md describes.
test('commands of the runbooks name what the documented install makes', () => {
  const all = objects(template('helm-4', example('production-values.yaml')).out);
  const kinds = { deploy: 'Deployment', deployment: 'Deployment', svc: 'Service' };
  const pods = all.find(o => o.kind === 'Deployment').spec.template.metadata.labels;
  const pages = ['from-zero-to-production.md', ...readdirSync(`${root}/docs/runbooks`).map(f => `runbooks/${f}`)];
  let seen = 0;
  for (const page of pages) {
    const text = readFileSync(`${root}/docs/${page}`, 'utf8');
    for (const [command, rest] of text.matchAll(/\bkubectl (?!create namespace |apply`|exec`)([^`\n]*)/g)) {
      ++seen;
      assert.match(rest, /^-n onboarding /, `${page}: ${command}: names no namespace`);
      for (const [, kind, name] of rest.matchAll(/ (deploy|deployment|svc)[/ ]([a-z][-a-z0-9]*)/g))
        assert.ok(all.some(o => o.kind === kinds[kind] && o.metadata.name === name && o.metadata.namespace === 'onboarding'), `${page}: ${command}: there is no ${kind} ${name}`);
      for (const [, label, value] of rest.matchAll(/ -l (\S+)=(\S+)/g)) assert.equal(pods[label], value, `${page}: ${command}`);
      // In a namespace that enforces Pod Security "restricted", a pod that somebody starts to look has to say as much.
      if (/ run \S/.test(rest)) {
        const { spec } = JSON.parse(rest.match(/ --override-type=strategic --overrides='([^']*)' -- /)[1]);
        assert.deepEqual([spec.securityContext.runAsNonRoot, spec.securityContext.seccompProfile.type], [true, 'RuntimeDefault']);
        assert.ok(spec.securityContext.runAsUser > 0, 'the image names its user, which the kubelet cannot tell from root');
        assert.deepEqual(spec.containers, [{ name: rest.match(/ run (\S+)/)[1], securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }]);
      }
      if (rest.includes(' exec ')) assert.match(rest, / -- onboarding-gateway( |$)/, `${page}: ${command}: the image has nothing else`);
    }
    for (const [command] of text.matchAll(/\bhelm (rollback|history|test|upgrade|uninstall|-n)[^`\n]* gateway\b[^`\n]*/g)) assert.match(command, /(-n|--namespace) onboarding( |$)/, `${page}: ${command}`);
    // Markdown shows as a command only what stands four columns to the right of the text around it.
    assert.doesNotMatch(text, /^(kubectl|helm|redis-cli|openssl|sum by|topk)\b/m, `${page}: a command that is no code`);
    assert.doesNotMatch(text, /^\d\. .*\n\n {4,6}\S/m, `${page}: a command in a list that is no code`);
  }
  assert.ok(seen > 35, `${seen} commands`);
});

// The files that `make image` sends to the builder are enough to build the programs from.
test('the image can be compiled from what .dockerignore lets through', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'context-'));
  try {
    const kept = readFileSync(`${root}/.dockerignore`, 'utf8').split('\n').filter(l => l.startsWith('!') && !l.startsWith('!build/')).map(l => l.slice(1));
    const files = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...kept], { cwd: root, encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
    assert.ok(files.length > 300, `${files.length} files`);
    for (const file of files) cpSync(`${root}/${file}`, `${folder}/${file}`);
    const configured = spawnSync('cmake', ['--preset', 'training'], { cwd: folder, encoding: 'utf8' });
    assert.equal(configured.status, 0, configured.stdout + configured.stderr);
    for (const needed of ['tests/scripts/ship', 'bench/training/run', 'bench/training/requests.lua']) assert.ok(existsSync(`${folder}/${needed}`), needed);
    const planned = spawnSync('ninja', ['-C', 'build/training', '-n', 'onboarding-gateway', 'podero-simulator'], { cwd: folder, encoding: 'utf8' });
    assert.equal(planned.status, 0, planned.stdout + planned.stderr);
  } finally { rmSync(folder, { recursive: true }); }
});

test('the names and images of "from zero to production" and of the runbooks are those of every example', () => {
  const page = readFileSync(`${root}/docs/from-zero-to-production.md`, 'utf8');
  const images = parse(page.match(/where your images are.*:\n\n((?: {4}.*\n)+)/)[1]);
  const runbooks = readdirSync(`${root}/docs/runbooks`).map(name => readFileSync(`${root}/docs/runbooks/${name}`, 'utf8'));
  const named = new Set([page, ...runbooks].flatMap(text => [...text.matchAll(/\bdeploy(?:ment)?\/([a-z][a-z-]+)/g)].map(m => m[1]).filter(name => name !== 'helm')));
  for (const name of examples) {
    const all = objects(template('helm-4', changed(example(name), Object.fromEntries(Object.entries(images).map(([part, value]) => part === 'image' ? ['image.repository', value.repository] : [`${part}.image.repository`, value.image.repository])))).out);
    const deployed = all.filter(o => o.kind === 'Deployment');
    assert.deepEqual([...named], [deployed[0].metadata.name], name);
    const pulled = all.flatMap(o => [o.spec?.template?.spec ?? o.spec]).flatMap(spec => spec?.containers ?? []).map(one => one.image);
    assert.ok(pulled.length >= 1, name);
    for (const image of pulled) assert.match(image, /^registry\.internal\.example\/platform\/[a-z-]+:/, name);
    const simulator = deployed.find(o => o.metadata.labels['app.kubernetes.io/component'] === 'simulator');
    if (simulator) assert.ok(page.includes(`a certificate for the name \`${simulator.metadata.name}\``), simulator.metadata.name);
  }
});

test('helm test creates a session against the simulator, and refuses at a real account', () => {
  const script = change => objects(template('helm-4', changed(example('sandbox-simulator-values.yaml'), change)).out).find(o => o.kind === 'Pod').spec.containers[0].args[0];
  assert.match(script({}), /\/v1\/accounts\/sandbox\/onboarding-sessions/);
  const refusal = script({ 'config.accounts.sandbox.base_url': 'https://sandbox-app.podero.com/api/partners/v2.0' });
  assert.doesNotMatch(refusal, /curl/);
  const ran = spawnSync('sh', ['-euc', refusal], { encoding: 'utf8' });
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /Refused: account sandbox is at sandbox-app\.podero\.com/);
});

test('the notes state the gap of a single pod', () => {
  // helm 4 alone renders notes without asking a cluster.
  const notes = name => helm('helm-4', ['install', 'gateway', chart, '--dry-run=client'], example(name)).said;
  assert.match(notes('single-replica-values.yaml'), /ONE POD, WITH A GAP[^]*up to 140 s/);
  assert.doesNotMatch(notes('production-values.yaml'), /GAP/);
});

test('rules are carried as they are, but for the address of the runbooks and what names the release, and promtool takes them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'chart-'));
  try {
    const groups = readdirSync(`${chart}/rules`).sort().flatMap(f => parse(readFileSync(`${chart}/rules/${f}`, 'utf8')).groups);
    const missed = { serviceMonitor: 'namespace=\\"onboarding\\", job=\\"gateway-onboarding-gateway\\"', podMonitor: 'namespace=\\"onboarding\\", job=\\"onboarding/gateway-onboarding-gateway\\"',
      annotations: 'namespace=\\"onboarding\\"', none: 'namespace=\\"onboarding\\"' };
    for (const which of helms) for (const [scrape, labels] of Object.entries(missed)) {
      const values = changed(example('production-values.yaml'), { 'prometheusRule.runbookUrl': 'https://docs.example.com/runbooks/', 'metrics.scrape': scrape });
      const rule = objects(template(which, values).out).find(o => o.kind === 'PrometheusRule');
      const wanted = JSON.parse(JSON.stringify(groups).replaceAll('https://runbooks.internal.example/onboarding-gateway', 'https://docs.example.com/runbooks')
        .replaceAll('deployment=~\\".*onboarding-gateway.*\\"', 'namespace=\\"onboarding\\", deployment=\\"gateway-onboarding-gateway\\"')
        .replaceAll('absent(onboarding_gateway_build_info)', `absent(onboarding_gateway_build_info{${labels}})`));
      assert.notDeepEqual(rule.spec.groups, groups);
      assert.deepEqual(rule.spec.groups, wanted, scrape);
      writeFileSync(`${folder}/rules.yaml`, stringify(rule.spec));
      const promtool = spawnSync('promtool', ['check', 'rules', `${folder}/rules.yaml`], { encoding: 'utf8' });
      assert.equal(promtool.status, 0, `promtool: ${promtool.error ?? promtool.stdout + promtool.stderr}`);
    }
  } finally { rmSync(folder, { recursive: true }); }
});

// Grafana's sidecar writes the files of all ConfigMaps into one folder, and Grafana takes each uid, and in a folder each title, once.
test('the dashboard is that of the release: uid, title, file and what it shows at first; all else is carried as it is', () => {
  const of = (which, change, release = 'gateway', namespace = 'onboarding') => {
    const got = helm(which, ['template', release, chart, '--namespace', namespace], changed(example('production-values.yaml'), change));
    assert.ok(got.ok, got.said);
    const files = Object.entries(objects(got.out).find(o => o.metadata.name.endsWith('-dashboards')).data);
    assert.equal(files.length, readdirSync(`${chart}/dashboards`).length);
    return { file: files[0][0], dashboard: JSON.parse(files[0][1]) };
  };
  const source = JSON.parse(readFileSync(`${chart}/dashboards/onboarding-gateway.json`, 'utf8'));
  const all = source.templating.list.find(v => v.name === 'job').current;
  const chosen = value => ({ selected: true, text: [value], value: [value] });
  for (const which of helms) {
    const { file, dashboard } = of(which, {});
    assert.match(dashboard.uid, /^onboarding-gateway-[0-9a-f]{12}$/);
    const wanted = structuredClone(source);
    Object.assign(wanted, { uid: dashboard.uid, title: 'Onboarding gateway: onboarding/gateway-onboarding-gateway' });
    wanted.templating.list.find(v => v.name === 'namespace').current = chosen('onboarding');
    wanted.templating.list.find(v => v.name === 'job').current = chosen('gateway-onboarding-gateway');
    assert.deepEqual(dashboard, wanted);
    assert.equal(file, 'onboarding.gateway-onboarding-gateway.onboarding-gateway.json');
    for (const [release, namespace] of [['gateway', 'staging'], ['other', 'onboarding']]) {
      const other = of(which, {}, release, namespace);
      for (const one of [d => d.file, d => d.dashboard.uid, d => d.dashboard.title]) assert.notEqual(one(other), one({ file, dashboard }));
    }
    const current = (scrape, name) => of(which, { 'metrics.scrape': scrape }).dashboard.templating.list.find(v => v.name === name).current;
    assert.deepEqual(current('podMonitor', 'job'), chosen('onboarding/gateway-onboarding-gateway'));
    assert.deepEqual([current('annotations', 'job'), current('annotations', 'namespace')], [all, chosen('onboarding')]);
  }
});

// The Deployment, the Service and with it the job are called `gateway`: what an alert selects by is not `onboarding-gateway`.
test('alerts see a release of any name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'chart-'));
  const input = (series, values) => ({ series, values });
  const cases = [
    ['OnboardingGatewayReplicasMissing', { deployment: 'gateway', namespace: 'onboarding' }, [
      input('kube_deployment_spec_replicas{namespace="onboarding", deployment="gateway"}', '3x60'), input('kube_deployment_status_replicas_available{namespace="onboarding", deployment="gateway"}', '2x60'),
      // Somebody else's of that name.
      input('kube_deployment_spec_replicas{namespace="other", deployment="gateway"}', '3x60'), input('kube_deployment_status_replicas_available{namespace="other", deployment="gateway"}', '2x60')]],
    ['OnboardingGatewayScrapeFailing', { instance: 'a:9090', job: 'gateway' }, [
      input('up{instance="a:9090", job="gateway"}', '1x4 0x60'), input('onboarding_gateway_build_info{instance="a:9090", job="gateway"}', '1x4 stale')]],
    ['OnboardingGatewayRestarting', { instance: 'a:9090', job: 'gateway' }, [
      input('process_start_time_seconds{instance="a:9090", job="gateway"}', '1x4 120x4 240x4 360x40'), input('onboarding_gateway_build_info{instance="a:9090", job="gateway"}', '1x60')]],
    // Others are there: of another namespace, and of another name in this one.
    ['OnboardingGatewayAbsent', { namespace: 'onboarding', job: 'gateway', severity: 'critical' }, [
      input('onboarding_gateway_build_info{instance="b:9090", namespace="staging", job="gateway"}', '1x60'), input('onboarding_gateway_build_info{instance="c:9090", namespace="onboarding", job="other"}', '1x60')]],
    ['OnboardingGatewayAbsent', undefined, [input('onboarding_gateway_build_info{instance="a:9090", namespace="onboarding", job="gateway"}', '1x60')]],
  ];
  try {
    const rule = objects(template('helm-4', changed(example('production-values.yaml'), { fullnameOverride: 'gateway' })).out).find(o => o.kind === 'PrometheusRule');
    writeFileSync(`${folder}/rules.yaml`, stringify(rule.spec));
    const firing = (alertname, labels) => ({ labels: `ALERTS{${Object.entries({ alertname, alertstate: 'firing', severity: 'warning', ...labels }).map(([k, v]) => `${k}="${v}"`).join(', ')}}`, value: 1 });
    writeFileSync(`${folder}/tests.yaml`, stringify({ rule_files: ['rules.yaml'], evaluation_interval: '30s', tests: cases.map(([alert, labels, input_series]) => ({
      name: alert, interval: '30s', input_series, promql_expr_test: [{ expr: `ALERTS{alertname="${alert}", alertstate="firing"}`, eval_time: '15m', exp_samples: labels ? [firing(alert, labels)] : [] }] })) }));
    const ran = spawnSync('promtool', ['test', 'rules', `${folder}/tests.yaml`], { encoding: 'utf8' });
    assert.equal(ran.status, 0, `promtool: ${ran.error ?? ran.stdout + ran.stderr}`);
    for (const file of readdirSync(`${chart}/dashboards`)) assert.doesNotMatch(readFileSync(`${chart}/dashboards/${file}`, 'utf8'), /job ?=~? ?\\"(?!\$job\\")/, `${file} selects by the job's name`);
  } finally { rmSync(folder, { recursive: true }); }
});

for (const name of examples) {
  test(`${name}: what is mounted passes --check and starts the gateway, which creates a session`, { timeout: 180_000 }, async () => {
    const on = new stage();
    try {
      const rendered = objects(template('helm-4', example(name)).out);
      const text = on.provide(rendered.find(o => o.kind === 'ConfigMap' && o.data['gateway.yaml']).data['gateway.yaml']);
      const simulator = await on.simulator(['gateway-onboarding-gateway-simulator', 'app.podero.com', 'sandbox-app.podero.com']);
      writeFileSync(`${on.folder}/run/simulator/ca.crt`, readFileSync(simulator.ca));
      writeFileSync(`${on.folder}/mounted.yaml`, text);
      const checked = spawnSync(`${bin}/onboarding-gateway`, ['--config', `${on.folder}/mounted.yaml`, '--check'], { encoding: 'utf8' });
      assert.equal(checked.status, 0, `--check: ${checked.error ?? checked.stdout + checked.stderr}`);

      // The cluster's part: names, ports, Redis.
      const config = parse(text);
      const [api, admin] = [await freePort(), await freePort()];
      config.listeners = { api: { ...config.listeners?.api, address: '127.0.0.1', port: api }, admin: { ...config.listeners?.admin, address: '127.0.0.1', port: admin } };
      for (const a of Object.values(config.accounts)) { a.resolve = { [new URL(a.base_url).hostname]: `127.0.0.1:${simulator.api}` }; a.tls ??= { ca_file: simulator.ca }; }
      if (config.shared_state?.store === 'redis') config.shared_state.redis.url = `redis://127.0.0.1:${await on.redis('not-a-secret')}/0`;
      config.drain = { delay: '0s', timeout: '5s' };
      const gateway = on.gateway(config);
      await until('the gateway is ready', 20, async () => { if (gateway.over) throw new Error(gateway.said); return (await ask(`http://127.0.0.1:${admin}/readyz`)).status === 200; });
      const account = Object.keys(config.accounts)[0];
      // A window of a minute counts as full for a minute on a Redis that is new.
      const answer = await until('a session is created', 80, async () => {
        const got = await ask(`http://127.0.0.1:${api}/v1/accounts/${account}/onboarding-sessions`, { method: 'POST',
          headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}`, 'Idempotency-Key': 'one', Prefer: 'wait=5' },
          body: JSON.stringify({ language: 'de', price_zone_default: 'AT', is_smart_optimization_active_default: true, success_url: 'https://www.my-customerportal.com/success', cancel_url: 'https://www.my-customerportal.com/error', user_id: 'a169451c-8525-4352-b8ca-070dd449a1a5' }) });
        return got.status === 201 || !got.text.includes('"upstream_effect":"none"') ? got : undefined;
      });
      assert.equal(answer.status, 201, answer.text);
      gateway.kill('SIGTERM');
      assert.deepEqual((await gateway.ended).code, 0, gateway.said);
    } finally { await on.end(); }
  });
}
