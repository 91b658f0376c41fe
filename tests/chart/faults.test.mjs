// Faults planted in values and in manifests: each is refused, with a message that names it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cross } from './cross.mjs';
import { faults } from './kubernetes.mjs';
import { bin } from './programs.mjs';
import { changed, example, helms, objects, template } from './render.mjs';

const [sandbox, single, production] = ['sandbox-simulator-values.yaml', 'single-replica-values.yaml', 'production-values.yaml'];

const operatorsTls = { tlsSecret: 'x', 'config.listeners': { admin: { tls: { certificate_file: '/run/tls/tls.crt', private_key_file: '/run/tls/tls.key' } } } };

const T = { extraEnv: [{ name: 'T', value: 'x' }] };

// what | example | change | what the message has
const inValues = [
  ['an unknown key', single, { replicaCount: 2 }, /replicaCount/],
  ['an unknown key deeper', single, { 'service.prot': 80 }, /prot\b/],
  ['a wrong type', single, { replicas: 'two' }, /replicas/],
  ['a wrong choice', single, { reload: 'sometimes' }, /reload/],
  ['a port beyond 65535', single, { 'service.port': 70000 }, /service.*port|port/],
  ['ten bytes of memory', single, { 'resources.limits.memory': 10 }, /memory/],
  ['ten bytes of memory, as a text', single, { 'resources.limits.memory': '10' }, /memory/],
  ['a tenth of a byte', single, { 'resources.limits.memory': '768m' }, /memory/],
  ['a label with a blank', single, { commonLabels: { team: 'the platform' } }, /team/],
  ['a label of a name that is none', single, { commonLabels: { 'team name': 'x' } }, /team name/],
  ['a label of a pod that is too long', single, { podLabels: { tier: 'x'.repeat(64) } }, /tier/],
  ['root by user id', single, { 'podSecurity.runAsUser': 0 }, /runAsUser/],
  ['a digest that is none', single, { 'image.digest': 'abc' }, /digest/],
  ['the tag latest', single, { 'image.tag': 'latest' }, /image\.tag: latest/],
  ['no configuration', single, { config: {} }, /accounts/],
  ['an unknown key of gateway.yaml', single, { 'config.listeners': { api: { prot: 1 } } }, /prot\b/],
  ['a duration without a unit', single, { 'config.drain': { delay: '5' } }, /delay/],
  ['an account over http', single, { 'config.accounts.sandbox.base_url': 'http://app.podero.com' }, /base_url/],
  // With each of these the gateway would end with exit 2.
  ['no weight', single, { 'config.callers.support-tool.weight': 0 }, /weight/],
  ['a share beyond the most', single, { 'config.accounts.sandbox.limits.degraded_share': 1 }, /degraded_share/],
  ['a pool of nothing', single, { 'config.accounts.sandbox.pool': { max_connections: 0 } }, /max_connections/],
  ['nothing in flight', single, { 'config.overload': { max_in_flight: 0 } }, /max_in_flight/],
  ['more replicas than there may be', production, { 'config.shared_state.max_replicas': 100000 }, /max_replicas/],
  ['a window of nothing', production, { 'config.accounts.production.limits.sessions': [{ rate: 0, per: '1m' }] }, /rate/],
  ['a URL as a host', production, { 'config.callers.customer-portal.redirect_hosts': ['https://x/'] }, /redirect_hosts/],
  ['every host', production, { 'config.callers.customer-portal.redirect_hosts': ['*'] }, /redirect_hosts/],
  ['a name as an address', single, { 'config.accounts.sandbox.resolve': { a: 'b' } }, /resolve/],
  ['two replicas without Redis', single, { replicas: 2 }, /replicas: 2 needs config\.shared_state\.store: redis/],
  ['autoscaling without Redis', single, { 'autoscaling.enabled': true }, /autoscaling\.enabled: needs config\.shared_state\.store: redis/],
  ['Redis without an address', single, { 'config.shared_state': { store: 'redis' } }, /config\.shared_state\.redis: is missing/],
  ['fewer at most than at least', production, { 'autoscaling.minReplicas': 9 }, /autoscaling\.minReplicas/],
  ['too few max_replicas', production, { 'config.shared_state.max_replicas': 4 }, /config\.shared_state\.max_replicas: 4 is less than the 5/],
  ['an update that cannot begin', production, { 'rollingUpdate.maxSurge': 0 }, /rollingUpdate\.maxSurge/],
  ['preStop and drain.delay', production, { preStopSleepSeconds: 5 }, /preStopSleepSeconds: and config\.drain\.delay/],
  ['a missing key of the Secret', single, { 'secrets.existingKeys': ['client-id', 'support-tool-key-sha256'] }, /has no key client-secret/],
  ['a Secret whose keys are not named', single, { 'secrets.existingKeys': [] }, /secrets\.existingKeys: is empty/],
  ['no Secret at all', single, { 'secrets.existingSecret': '' }, /has no key (client-id|client-secret|support)/],
  ['two sources of the Secret', production, { 'secrets.existingSecret': 'x', 'secrets.existingKeys': ['client-id'] }, /secrets\.existingSecret, secrets\.externalSecret: only one/],
  ['an ExternalSecret without a store', production, { 'secrets.externalSecret.secretStoreRef': {} }, /secretStoreRef\.name: is missing/],
  ['a file where nothing is mounted', single, { 'config.accounts.sandbox.tls': { ca_file: '/etc/our-ca/ca.pem' } }, /\/etc\/our-ca\/ca\.pem, where nothing is mounted/],
  ['a variable that is not set', single, { 'config.accounts.sandbox.org_id': '${env:ORG}' }, /extraEnv: has no ORG/],
  ['a duration that is not known', single, { 'config.drain.timeout': '${env:T}', ...T }, /config\.drain\.timeout: \$\{env:T\} is not known .* write the value out/],
  ['a port that is not known', single, { 'config.listeners': { admin: { port: '${env:T}' } }, ...T }, /config\.listeners\.admin\.port: \$\{env:T\} is not known/],
  ['max_replicas that are not known', production, { 'config.shared_state.max_replicas': '${env:T}', ...T }, /config\.shared_state\.max_replicas: \$\{env:T\} is not known/],
  ['a policy for a host that is not known', single, { 'config.accounts.sandbox.base_url': '${env:T}', ...T }, /config\.accounts\.sandbox\.base_url: the host in \$\{env:T\} is not known .* networkPolicy\.enabled: false/],
  ['a policy for half a host', single, { 'config.accounts.sandbox.token.url': 'https://${env:T}.podero.com/x', ...T }, /config\.accounts\.sandbox\.token\.url: the host/],
  ['a policy for a Redis that is not known', production, { 'config.shared_state.redis.url': '${env:T}', ...T }, /config\.shared_state\.redis\.url: the host in \$\{env:T\}/],
  ['a policy for a proxy that is not known', production, { 'config.accounts.production.proxy': '${env:T}', ...T }, /config\.accounts\.production\.proxy: the host/],
  ['a policy for a collector that is not known', production, { 'config.tracing': { endpoint: '${env:T}' }, ...T }, /config\.tracing\.endpoint: the host/],
  ['a part taken away', single, { autoscaling: null }, /autoscaling/],
  ['a part of a part taken away', single, { 'secrets.externalSecret': null }, /externalSecret/],
  ['TLS without its Secret', single, { 'config.listeners': { api: { tls: { certificate_file: '/run/tls/tls.crt', private_key_file: '/run/tls/tls.key' } } } }, /tlsSecret: is missing/],
  ['a listener inside the pod only', single, { 'config.listeners': { api: { address: '127.0.0.1' } } }, /config\.listeners\.api\.address: 127\.0\.0\.1/],
  ['a port that needs a capability', single, { 'config.listeners': { api: { port: 80 } } }, /config\.listeners\.api\.port: 80/],
  ['both listeners on one port', single, { 'config.listeners': { api: { port: 9090 } } }, /config\.listeners\.admin\.port: 9090/],
  ['probes without a client certificate', single, { 'config.listeners': { admin: { tls: { certificate_file: '/run/tls/tls.crt', private_key_file: '/run/tls/tls.key', client_ca_file: '/run/tls/ca.crt' } } }, tlsSecret: 'x' }, /listeners\.admin\.tls\.client_ca_file/],
  ['a monitor that cannot verify', production, { ...operatorsTls }, /metrics\.tlsConfig: is missing/],
  ['a monitor that verifies nothing', production, { 'metrics.tlsConfig': { serverName: 'x' } }, /metrics\.tlsConfig: is set, and config\.listeners\.admin\.tls is not/],
  ['TLS of a monitor that is not there', production, { ...operatorsTls, 'metrics.scrape': 'annotations', 'metrics.tlsConfig': { serverName: 'x' } }, /metrics\.tlsConfig: is for serviceMonitor and podMonitor/],
  ['a file of Prometheus in a PodMonitor', production, { ...operatorsTls, 'metrics.scrape': 'podMonitor', 'metrics.tlsConfig': { caFile: '/x' } }, /metrics\.tlsConfig\.caFile: a PodMonitor takes no files/],
  ['an unknown key of tlsConfig', production, { ...operatorsTls, 'metrics.tlsConfig': { servername: 'x' } }, /servername/],
  ['callers forgotten', single, { 'config.callers': undefined }, /config\.callers: is missing/],
  ['a caller of no account', single, { 'config.callers.support-tool.accounts': ['production'] }, /there is no account production/],
  ['no such test account', single, { 'config.accounts.sandbox.test_account': 'nobody' }, /no nobody in config\.test_accounts/],
  ['Norway as a boolean', single, { 'config.accounts.sandbox.defaults': { price_zone_default: false } }, /defaults\.price_zone_default: is a boolean/],
  ['a simulator without a certificate', sandbox, { 'simulator.tlsSecret': '' }, /simulator\.tlsSecret: is missing/],
  ['the CA of a simulator that is off', sandbox, { 'simulator.enabled': false }, /simulator\.enabled: is false/],
  ['a policy that shuts out Redis', production, { 'networkPolicy.redis': [] }, /networkPolicy\.redis: is empty/],
  ['a policy that shuts out the proxy', production, { 'config.accounts.production.proxy': 'http://proxy.internal.example:3128' }, /networkPolicy\.proxy: is empty/],
  ['only the proxy, and none is there', production, { 'networkPolicy.podero': 'proxy' }, /accounts\.production\.proxy: is missing/],
  ['a mount without a volume', single, { extraVolumeMounts: [{ name: 'x', mountPath: '/x' }] }, /extraVolumeMounts: there is no volume x/],
  ['a subPath that is never updated', production, { extraVolumes: [{ name: 'x', emptyDir: {} }], extraVolumeMounts: [{ name: 'x', mountPath: '/x', subPath: 'y' }] }, /extraVolumeMounts: x has a subPath/],
  ['a label that selects', single, { podLabels: { 'app.kubernetes.io/name': 'x' } }, /app\.kubernetes\.io\/name is what the Service selects by/],
  ['a test of no account', single, { 'test.account': 'nobody' }, /test\.account: there is no account nobody/],
];
for (const [what, from, change, message] of inValues) {
  test(`in values: ${what}`, () => {
    for (const which of helms) {
      const got = template(which, changed(example(from), change));
      assert.equal(got.ok, false, `${which} renders it`);
      assert.match(got.said, message, which);
    }
  });
}

// what | how the rendered objects are spoilt | what the message has
const find = (all, kind, name = '') => all.find(o => o.kind === kind && o.metadata.name.endsWith(name));
const container = all => find(all, 'Deployment').spec.template.spec.containers[0];
const inManifests = [
  ['an unknown member', all => { container(all).imagePullPolice = 'Always'; }, /imagePullPolice: unknown member/],
  ['a wrong type', all => { find(all, 'Deployment').spec.minReadySeconds = 'five'; }, /minReadySeconds: type/],
  ['a missing member', all => { delete container(all).name; }, /required.*name/],
  ['an API version that is gone', all => { find(all, 'HorizontalPodAutoscaler').apiVersion = 'autoscaling/v2beta2'; }, /autoscaling\/v2beta2 is not a stable version/],
  ['a Service that selects nothing', all => { find(all, 'Service').spec.selector.x = 'y'; }, /Service\/.*matches 0/],
  ['a port mismatch of the Service', all => { find(all, 'Service').spec.ports[0].targetPort = 'http'; }, /targetPort http is no port/],
  ['a port mismatch of the monitor', all => { find(all, 'ServiceMonitor').spec.endpoints[0].port = 'metrics'; }, /ServiceMonitor\/.*port metrics/],
  ['a monitor that speaks TLS to nobody', all => { find(all, 'ServiceMonitor').spec.endpoints[0].scheme = 'https'; }, /ServiceMonitor\/.*scheme https, and the gateway speaks http/],
  ['a monitor with the authority of nobody', all => { find(all, 'ServiceMonitor').spec.endpoints[0].tlsConfig = { ca: { secret: { name: 'x', key: 'ca.crt' } } }; }, /ServiceMonitor\/.*there is no secret x/],
  ['a port on which nobody listens', all => { container(all).ports[0].containerPort = 8081; }, /port api is 8081/],
  ['a probe of another path', all => { container(all).readinessProbe.httpGet.path = '/health'; }, /readinessProbe asks \/health/],
  ['a probe of another port', all => { container(all).livenessProbe.httpGet.port = 'web'; }, /livenessProbe asks port web/],
  ['a key that the Secret lacks', all => { find(all, 'ExternalSecret').spec.data.pop(); }, /has no key redis-password/],
  ['a ConfigMap that is not there', all => { find(all, 'Deployment').spec.template.spec.volumes[0].configMap.name = 'x'; }, /there is no configMap x/],
  ['a volume that is not there', all => { container(all).volumeMounts[0].name = 'x'; }, /there is no volume x/],
  ['a subPath', all => { container(all).volumeMounts[0].subPath = 'gateway.yaml'; }, /mounted by subPath/],
  ['a writable root', all => { container(all).securityContext.readOnlyRootFilesystem = false; }, /may write to its root/],
  ['a capability', all => { container(all).securityContext.capabilities.add = ['NET_ADMIN']; }, /has capabilities/],
  ['a token', all => { find(all, 'Deployment').spec.template.spec.automountServiceAccountToken = true; }, /token of the service account/],
  ['too short a grace period', all => { find(all, 'Deployment').spec.template.spec.terminationGracePeriodSeconds = 30; }, /terminationGracePeriodSeconds is 30, not 40/],
  ['replicas beside the autoscaler', all => { find(all, 'Deployment').spec.replicas = 2; }, /replicas stands beside/],
  ['an autoscaler of nobody', all => { find(all, 'HorizontalPodAutoscaler').spec.scaleTargetRef.name = 'x'; }, /there is no Deployment\/x/],
  ['a policy without DNS on TCP', all => { find(all, 'NetworkPolicy').spec.egress[0].ports.pop(); }, /DNS on TCP/],
  ['a policy without Redis', all => { find(all, 'NetworkPolicy').spec.egress.splice(1, 1); }, /shared_state\.redis\.url .* is not let out/],
  ['a policy without Podero', all => { find(all, 'NetworkPolicy').spec.egress.pop(); }, /accounts\.production\.base_url .* is not let out/],
  ['the same object twice', all => { all.push(find(all, 'Service')); }, /appears twice/],
];
const whole = objects(template('helm-4', example(production)).out);
for (const [what, spoil, message] of inManifests) {
  test(`in manifests: ${what}`, async () => {
    const all = structuredClone(whole);
    spoil(all);
    const found = cross(all, { 'post-sync-caller': ['key'] });
    for (const o of all) found.push(...await faults(o));
    assert.ok(found.length > 0, 'nothing was found');
    assert.match(found.join('\n'), message);
  });
}

test('in gateway.yaml: what only the gateway knows is refused by --check', () => {
  const folder = mkdtempSync(join(tmpdir(), 'chart-'));
  try {
    writeFileSync(`${folder}/gateway.yaml`, 'accounts:\n  a:\n    base_url: https://app.podero.com/api/partners/v2.0\n    session_reuse: 20m\n    test_account: t\n    token: { client_id: a, client_secret: b }\ntest_accounts:\n  t: { slot_ttl: 15m }\nallow_anonymous: true\n');
    const ran = spawnSync(`${bin}/onboarding-gateway`, ['--config', `${folder}/gateway.yaml`, '--check'], { encoding: 'utf8' });
    assert.equal(ran.status, 2, ran.stdout + ran.stderr);
    assert.match(ran.stdout + ran.stderr, /session_reuse/);
  } finally { rmSync(folder, { recursive: true }); }
});
