// Strict, offline: is an object what the schemas of Kubernetes say? Types, required members and formats by the compiled schemas of
// kubernetes-models; unknown members by watching which ones that code reads: one that it never reads is in no schema.
import { existsSync, readFileSync } from 'node:fs';
import { here } from './places.mjs';

// The API only grows, so what the oldest and the newest take, those between them take too.
const versions = ['kubernetes-before-1.30', 'kubernetes-1.33', 'kubernetes-1.34'];
const packages = { 'monitoring.coreos.com': 'prometheus-operator', 'external-secrets.io': 'external-secrets', 'cilium.io': 'cilium' };
// Members that came with 1.30, which the oldest schema cannot know.
const since_1_30 = [/\/lifecycle\/preStop\/sleep(\/|$)/, /\/trafficDistribution$/];

function watched(one, path, seen) {
  if (one === null || typeof one !== 'object') return one;
  const copy = Array.isArray(one) ? one.map((m, i) => watched(m, `${path}/${i}`, seen))
    : Object.fromEntries(Object.entries(one).map(([k, m]) => [k, watched(m, `${path}/${k}`, seen)]));
  return new Proxy(copy, { get(target, key) {
    if (typeof key === 'string' && Object.hasOwn(target, key)) seen.add(`${path}/${key}`);
    return target[key];
  } });
}

function unread(one, path, seen) {
  if (one === null || typeof one !== 'object') return [];
  return Object.keys(one).flatMap(key => seen.has(`${path}/${key}`) ? unread(one[key], `${path}/${key}`, seen) : [`${path}/${key}`]);
}

async function validator(from, { apiVersion, kind }) {
  const base = `${here}/node_modules/${from}/${apiVersion}/${kind}`;
  const file = ['.mjs', '.js'].map(end => base + end).find(existsSync);
  if (!file) return undefined;
  const name = readFileSync(file, 'utf8').match(/from ?"([^"]*_schemas\/[^"]+)"/)[1];
  const schema = new URL(name, `file://${file}`).pathname;
  return (await import([schema, `${schema}.js`].find(existsSync))).validate;
}

// Every fault of the object, each as "VERSION /path: what".
export async function faults(object) {
  const group = String(object.apiVersion).split('/')[0];
  const own = packages[group];
  const found = new Set();
  // The packages keep schemas of versions that the API has dropped long since.
  if (!own && /v\d+(alpha|beta)\d+$/.test(object.apiVersion)) found.add(`apiVersion: ${object.apiVersion} is not a stable version of the API`);
  for (const from of own ? [`@kubernetes-models/${own}`] : versions) {
    const validate = await validator(from, object);
    if (!validate) { found.add(`${from}: no schema for ${object.apiVersion} ${object.kind}`); continue; }
    const seen = new Set();
    const lenient = path => from === versions[0] && since_1_30.some(p => p.test(path));
    if (!validate(watched(object, '', seen)))
      for (const e of validate.errors ?? []) if (!lenient(e.instancePath)) found.add(`${from} ${e.instancePath}: ${e.keyword} ${JSON.stringify(e.params)}`);
    for (const path of unread(object, '', seen)) if (!lenient(path)) found.add(`${from} ${path}: unknown member`);
  }
  return [...found];
}
