// What no schema says: objects that have to fit each other. `cross(objects)` gives every fault as a sentence.
import { isIP, BlockList } from 'node:net';
import { parse } from 'yaml';

const name = o => `${o.kind}/${o.metadata.name}`;
const podsOf = objects => objects.filter(o => ['Deployment', 'Job'].includes(o.kind)).map(o => ({ of: o, labels: o.spec.template.metadata.labels, spec: o.spec.template.spec }))
  .concat(objects.filter(o => o.kind === 'Pod').map(o => ({ of: o, labels: o.metadata.labels, spec: o.spec })));
const matches = (selector, labels) => Object.entries(selector ?? {}).every(([k, v]) => labels[k] === v);
const portsOf = pod => pod.spec.containers.flatMap(c => c.ports ?? []);
const hasPort = (pod, port) => portsOf(pod).some(p => p.name === port || p.containerPort === port);

function selectors(objects, pods) {
  const faults = [];
  for (const o of objects) {
    const many = (selector, what) => {
      const hit = pods.filter(p => matches(selector, p.labels));
      if (hit.length !== 1) faults.push(`${name(o)}: ${what} matches ${hit.length} kinds of pods, not one`);
      return hit;
    };
    if (o.kind === 'Deployment' && !matches(o.spec.selector.matchLabels, o.spec.template.metadata.labels)) faults.push(`${name(o)}: selector does not match its own pods`);
    if (o.kind === 'Service') for (const pod of many(o.spec.selector, 'selector'))
      for (const p of o.spec.ports) if (!hasPort(pod, p.targetPort)) faults.push(`${name(o)}: targetPort ${p.targetPort} is no port of ${name(pod.of)}`);
    if (o.kind === 'PodDisruptionBudget') many(o.spec.selector.matchLabels, 'selector');
    if (o.kind === 'NetworkPolicy') for (const pod of many(o.spec.podSelector.matchLabels, 'podSelector'))
      for (const rule of o.spec.ingress ?? []) for (const p of rule.ports) if (!hasPort(pod, p.port)) faults.push(`${name(o)}: port ${p.port} is no port of ${name(pod.of)}`);
    if (o.kind === 'PodMonitor') for (const pod of many(o.spec.selector.matchLabels, 'selector'))
      for (const e of o.spec.podMetricsEndpoints) if (!hasPort(pod, e.port)) faults.push(`${name(o)}: port ${e.port} is no port of ${name(pod.of)}`);
    if (o.kind === 'ServiceMonitor') {
      const services = objects.filter(s => s.kind === 'Service' && matches(o.spec.selector.matchLabels, s.metadata.labels));
      if (services.length !== 1) faults.push(`${name(o)}: selector matches ${services.length} Services, not one`);
      for (const s of services) for (const e of o.spec.endpoints) if (!s.spec.ports.some(p => p.name === e.port)) faults.push(`${name(o)}: port ${e.port} is no port of ${name(s)}`);
    }
    if (o.kind === 'HorizontalPodAutoscaler') {
      const target = objects.find(t => t.kind === o.spec.scaleTargetRef.kind && t.metadata.name === o.spec.scaleTargetRef.name);
      if (!target) faults.push(`${name(o)}: there is no ${o.spec.scaleTargetRef.kind}/${o.spec.scaleTargetRef.name}`);
      else {
        if ('replicas' in target.spec) faults.push(`${name(target)}: replicas stands beside ${name(o)}`);
        if (target.spec.template.spec.containers.some(c => !c.resources?.requests?.cpu)) faults.push(`${name(o)}: counts CPU that no container of ${name(target)} requests`);
      }
    }
  }
  return faults;
}

// secrets: what exists beside the chart, as {NAME: [KEYS]}.
function mounts(objects, pods, secrets) {
  const faults = [];
  const there = { configMap: {}, secret: { ...secrets } };
  for (const o of objects) {
    if (o.kind === 'ConfigMap') there.configMap[o.metadata.name] = Object.keys(o.data ?? {});
    if (o.kind === 'Secret') there.secret[o.metadata.name] = Object.keys(o.data ?? {});
    if (o.kind === 'ExternalSecret') there.secret[o.spec.target.name] = o.spec.data.map(d => d.secretKey);
  }
  const look = (kind, of, keys, who) => {
    const have = there[kind][of];
    if (!have) faults.push(`${who}: there is no ${kind} ${of}`);
    else for (const key of keys) if (!have.includes(key)) faults.push(`${who}: ${kind} ${of} has no key ${key}`);
  };
  for (const o of objects) for (const e of o.spec?.endpoints ?? o.spec?.podMetricsEndpoints ?? []) {
    const { ca, cert, keySecret } = e.tlsConfig ?? {};
    for (const ref of [ca?.secret, cert?.secret, keySecret]) if (ref) look('secret', ref.name, [ref.key], name(o));
    for (const ref of [ca?.configMap, cert?.configMap]) if (ref) look('configMap', ref.name, [ref.key], name(o));
  }
  for (const { of, spec } of pods) {
    const volumes = new Set((spec.volumes ?? []).map(v => v.name));
    for (const v of spec.volumes ?? []) {
      const items = (v.secret ?? v.configMap)?.items?.map(i => i.key) ?? [];
      if (v.secret) look('secret', v.secret.secretName, items, name(of));
      if (v.configMap) look('configMap', v.configMap.name, items, name(of));
    }
    for (const c of spec.containers) {
      for (const m of c.volumeMounts ?? []) {
        if (!volumes.has(m.name)) faults.push(`${name(of)}: there is no volume ${m.name}`);
        if (m.subPath) faults.push(`${name(of)}: ${m.mountPath} is mounted by subPath, which is never updated`);
      }
      for (const e of c.env ?? []) if (e.valueFrom?.secretKeyRef) look('secret', e.valueFrom.secretKeyRef.name, [e.valueFrom.secretKeyRef.key], name(of));
      const paths = { startupProbe: '/startupz', readinessProbe: '/readyz', livenessProbe: '/livez' };
      for (const [probe, path] of Object.entries(paths)) {
        const http = c[probe]?.httpGet;
        if (http && http.path !== path) faults.push(`${name(of)}: ${probe} asks ${http.path}, which is not ${path}`);
        const port = http?.port ?? c[probe]?.tcpSocket?.port;
        if (port && !(c.ports ?? []).some(p => p.name === port || p.containerPort === port)) faults.push(`${name(of)}: ${probe} asks port ${port}, which the container does not have`);
      }
    }
  }
  return faults;
}

function restricted(pods) {
  const faults = [];
  for (const { of, spec } of pods) {
    const say = what => faults.push(`${name(of)}: Pod Security restricted: ${what}`);
    if (spec.automountServiceAccountToken !== false) say('the token of the service account is mounted');
    if (spec.hostNetwork || spec.hostPID || spec.hostIPC) say('a namespace of the host');
    if (spec.securityContext?.runAsNonRoot !== true || spec.securityContext?.runAsUser === 0) say('may run as root');
    if (spec.securityContext?.seccompProfile?.type !== 'RuntimeDefault') say('seccompProfile is not RuntimeDefault');
    for (const v of spec.volumes ?? []) if (v.hostPath) say(`volume ${v.name} is a hostPath`);
    for (const c of spec.containers) {
      const s = c.securityContext ?? {};
      if (s.allowPrivilegeEscalation !== false || s.privileged) say(`${c.name} may gain privileges`);
      if (s.readOnlyRootFilesystem !== true) say(`${c.name} may write to its root`);
      if (!s.capabilities?.drop?.includes('ALL') || s.capabilities?.add?.length) say(`${c.name} has capabilities`);
      if (!c.resources?.limits?.memory) say(`${c.name} has no memory limit`);
      if (/:latest$|^[^:@]+$/.test(c.image)) say(`${c.name}: image ${c.image} names no version`);
    }
  }
  return faults;
}

const endings = { https: 443, http: 80, redis: 6379, rediss: 6379 };
const privateRanges = new BlockList();
for (const [net, bits] of [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['127.0.0.0', 8], ['169.254.0.0', 16]]) privateRanges.addSubnet(net, bits);

function covers(peer, host, objects, namespace) {
  if (peer.ipBlock) {
    const family = isIP(host) === 6 ? 'ipv6' : 'ipv4';
    const inside = cidr => { const [net, bits] = cidr.split('/'); const l = new BlockList(); l.addSubnet(net, Number(bits), isIP(net) === 6 ? 'ipv6' : 'ipv4'); return l; };
    if (isIP(host)) return inside(peer.ipBlock.cidr).check(host, family) && !(peer.ipBlock.except ?? []).some(e => inside(e).check(host, family));
    const everything = peer.ipBlock.cidr === '0.0.0.0/0';
    // A name of the house leads to private addresses, any other name to public ones.
    return /\.(internal|local|svc)(\.|$)|^[^.]+$/.test(host) ? !/\.svc(\.|$)|^[^.]+$/.test(host) && !everything : everything;
  }
  const service = objects.find(o => o.kind === 'Service' && [o.metadata.name, `${o.metadata.name}.${namespace}`, `${o.metadata.name}.${namespace}.svc`].includes(host));
  if (service && peer.podSelector && !peer.namespaceSelector) return matches(peer.podSelector.matchLabels, service.spec.selector);
  const of = host.match(/^[^.]+\.([^.]+)\.svc(\.|$)/)?.[1];
  return !!of && peer.namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name'] === of;
}

// Every address that the configuration names is let out by the policy of the gateway's pods.
export function unreachable(objects) {
  const gateway = podsOf(objects).find(p => p.labels['app.kubernetes.io/component'] === 'gateway');
  const policy = objects.find(o => o.kind === 'NetworkPolicy' && matches(o.spec.podSelector.matchLabels, gateway.labels));
  if (!policy) return [];
  const config = configuration(objects);
  const wanted = [];
  for (const [account, a] of Object.entries(config.accounts)) {
    if (a.proxy) wanted.push([`accounts.${account}.proxy`, a.proxy]);
    else wanted.push([`accounts.${account}.base_url`, a.base_url], [`accounts.${account}.token.url`, a.token?.url ?? a.base_url]);
  }
  if (config.shared_state?.store === 'redis') wanted.push(['shared_state.redis.url', config.shared_state.redis.url]);
  if (config.tracing?.endpoint) wanted.push(['tracing.endpoint', config.tracing.endpoint]);
  const cilium = objects.filter(o => o.kind === 'CiliumNetworkPolicy').flatMap(o => o.spec.egress);
  const namespace = policy.metadata.namespace;
  const faults = [];
  const dns = proto => policy.spec.egress.some(r => r.ports?.some(p => p.port === 53 && p.protocol === proto));
  for (const proto of ['UDP', 'TCP']) if (!dns(proto)) faults.push(`${name(policy)}: DNS on ${proto} is not let out`);
  for (const [key, text] of wanted) {
    const url = new URL(text);
    const port = Number(url.port) || endings[url.protocol.slice(0, -1)];
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const byName = cilium.some(r => r.toFQDNs?.some(f => f.matchName === host) && r.toPorts?.some(p => p.ports.some(q => q.port === String(port))));
    const byRule = policy.spec.egress.some(r => (r.to ?? []).some(peer => covers(peer, host, objects, namespace)) && (r.ports ?? []).some(p => {
      if (typeof p.port === 'number') return p.port === port;
      const service = objects.find(o => o.kind === 'Service' && o.metadata.name === host.split('.')[0]);
      return service?.spec.ports.some(s => s.targetPort === p.port && s.port === port);
    }));
    if (!byName && !byRule) faults.push(`${name(policy)}: ${key} (${host}:${port}) is not let out`);
  }
  return faults;
}

export function configuration(objects) {
  return parse(objects.find(o => o.kind === 'ConfigMap' && o.data['gateway.yaml']).data['gateway.yaml']);
}

function monitors(objects) {
  const speaks = configuration(objects).listeners?.admin?.tls ? 'https' : 'http';
  return objects.flatMap(o => (o.spec?.endpoints ?? o.spec?.podMetricsEndpoints ?? []).flatMap(e => [
    ...e.scheme === speaks ? [] : [`${name(o)}: scheme ${e.scheme}, and the gateway speaks ${speaks}`],
    // The target is an address, which no certificate is for.
    ...speaks === 'http' || e.tlsConfig ? [] : [`${name(o)}: https without tlsConfig`]]));
}

function timing(objects) {
  const faults = [];
  const config = configuration(objects);
  const seconds = text => Math.ceil(parseInt(text) * { ms: 0.001, s: 1, m: 60, h: 3600 }[text.match(/[a-z]+$/)[0]]);
  for (const o of objects.filter(d => d.kind === 'Deployment' && d.metadata.labels['app.kubernetes.io/component'] === 'gateway')) {
    const pre = o.spec.template.spec.containers[0].lifecycle?.preStop?.sleep?.seconds ?? 0;
    const delay = seconds(config.drain?.delay ?? '5s');
    const least = pre + delay + seconds(config.drain?.timeout ?? '30s') + 5;
    if (o.spec.template.spec.terminationGracePeriodSeconds !== least) faults.push(`${name(o)}: terminationGracePeriodSeconds is ${o.spec.template.spec.terminationGracePeriodSeconds}, not ${least}`);
    if (pre > 0 && delay > 0) faults.push(`${name(o)}: preStop and drain.delay both wait`);
    const ports = o.spec.template.spec.containers[0].ports;
    for (const [listener, standard] of [['api', 8080], ['admin', 9090]]) {
      const listens = config.listeners?.[listener]?.port ?? standard;
      if (ports.find(p => p.name === listener)?.containerPort !== listens) faults.push(`${name(o)}: port ${listener} is ${ports.find(p => p.name === listener)?.containerPort}, and the gateway listens on ${listens}`);
    }
    const hpa = objects.find(h => h.kind === 'HorizontalPodAutoscaler');
    const redis = config.shared_state?.store === 'redis';
    const many = hpa ? hpa.spec.maxReplicas : o.spec.replicas;
    if (!redis && (many > 1 || hpa || o.spec.strategy.type !== 'Recreate')) faults.push(`${name(o)}: store memory bears one pod, replaced by Recreate`);
    if (redis && config.shared_state.max_replicas < many + o.spec.strategy.rollingUpdate.maxSurge) faults.push(`${name(o)}: max_replicas ${config.shared_state.max_replicas} is less than pods of an update`);
    const pdb = objects.find(b => b.kind === 'PodDisruptionBudget');
    if (pdb && !hpa && o.spec.replicas === 1) faults.push(`${name(pdb)}: blocks every drain of a node, for there is one pod`);
  }
  return faults;
}

export function cross(objects, secrets = {}) {
  const pods = podsOf(objects);
  const twice = objects.map(o => `${o.apiVersion} ${name(o)}`).filter((id, n, all) => all.indexOf(id) !== n).map(id => `${id} appears twice`);
  return [...twice, ...selectors(objects, pods), ...mounts(objects, pods, secrets), ...restricted(pods), ...timing(objects), ...monitors(objects), ...unreachable(objects)];
}
