// observability.mjs BIN: the rules and the dashboard before a real Prometheus that scrapes real gateways. Every expression is one, every
// metric is exposed, and every alert has its words and its page.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { World, eventually } from '../support/world.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const chart = join(root, 'deploy/helm/onboarding-gateway');
const rule_texts = readdirSync(join(chart, 'rules')).filter(name => name.endsWith('.yaml')).map(name => readFileSync(join(chart, 'rules', name), 'utf8'));
const dashboard = JSON.parse(readFileSync(join(chart, 'dashboards/onboarding-gateway.json'), 'utf8'));

// Exposed by others, or only where something is configured that this gateway has not.
const elsewhere = new Set(['kube_deployment_spec_replicas', 'kube_deployment_status_replicas_available', 'container_cpu_cfs_throttled_periods_total', 'container_cpu_cfs_periods_total', 'onboarding_gateway_tls_certificate_expiry_timestamp_seconds',
  'onboarding_gateway_tls_reload_success', 'ALERTS']);
// Exposed as soon as they stand in the list of names; until then their panels are empty.
const awaited = ['onboarding_gateway_config_reload_success', 'onboarding_gateway_requests_refused_total', 'onboarding_gateway_retry_budget_remaining',
  'onboarding_gateway_upstream_connection_uses_total', 'onboarding_gateway_credentials_refused'];
const listed = readFileSync(join(root, 'tests/unit/foundation/metrics/golden/metric_names.txt'), 'utf8');
for (const name of awaited) if (!new RegExp(`^${name}[{ ]`, 'm').test(listed)) elsewhere.add(name);
const words = new Set(`by without on ignoring group_left group_right and or unless bool offset sum avg min max count rate increase histogram_quantile absent changes clamp_min
  min_over_time max_over_time time le inf`.split(/\s+/));
const metrics_of = expression => (expression.replace(/"[^"]*"/g, '').replace(/\{[^}]*\}|\[[^\]]*\]|\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
  .match(/[a-zA-Z_:][\w:]*/g) || []).filter(name => !words.has(name));

// Grafana's variables as it fills them in.
const filled = expression => expression.replaceAll('$__rate_interval', '1m').replace(/\$(namespace|job|account)\b/g, '.*');
const panels = dashboard.panels.flatMap(panel => [panel, ...(panel.panels || [])]);

function check_layout() {
  assert.equal(new Set(panels.map(p => p.id)).size, panels.length, 'ids are used once');
  for (const a of panels) {
    assert.ok(a.gridPos.x + a.gridPos.w <= 24, a.title);
    for (const b of panels) {
      const [p, q] = [a.gridPos, b.gridPos];
      assert.ok(a === b || p.x >= q.x + q.w || q.x >= p.x + p.w || p.y >= q.y + q.h || q.y >= p.y + p.h, `${a.title} and ${b.title} do not overlap`);
    }
    if (a.type !== 'row') assert.ok(a.description && a.targets.length > 0 && a.targets.every(t => t.datasource.uid === '${datasource}'), a.title);
  }
  assert.deepEqual(panels.filter(p => p.type === 'row').map(p => p.title), ['Requests, errors, duration', 'Limits and the test account', 'Upstream', 'Token', 'Store', 'Loops and process']);
}

// Prometheus looks back for five minutes, and less than half of it leaves room for a round that is late.
function check_intervals() {
  const seconds = rule_texts.flatMap(text => [...text.matchAll(/^ {4}interval: (\d+)([sm])$/gm)].map(([, n, unit]) => n * (unit === 'm' ? 60 : 1)));
  assert.ok(seconds.length >= 3);
  for (const interval of seconds) assert.ok(interval < 150, `a rule that is evaluated every ${interval} s is not there at every evaluation of an alert`);
}

function check_pages(alerts) {
  const folder = join(root, 'docs/runbooks');
  const pages = readdirSync(folder).filter(name => name !== 'README.md').map(name => name.replace(/\.md$/, ''));
  assert.deepEqual(pages.sort(), alerts.map(a => a.name).sort(), 'a page per alert and the other way round');
  const index = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const { name, labels, annotations } of alerts) {
    assert.ok(index.includes(`(${name}.md)`), name);
    assert.ok(['critical', 'warning'].includes(labels.severity), name);
    assert.ok(annotations.summary && annotations.description, name);
    assert.match(annotations.runbook_url, new RegExp(`^https://.*/${name}\\.md$`));
    const page = readFileSync(join(folder, `${name}.md`), 'utf8');
    const headings = page.split('\n').filter(line => /^#+ /.test(line));
    assert.deepEqual(headings, [`# ${name}`, '## What it means', '## What users see', '## How to look', '## What to do', '## When to escalate']);
    for (const [, linked] of page.matchAll(/\]\((\w+)\.md\)/g)) assert.ok(pages.includes(linked), `${name} leads to ${linked}`);
  }
  // Where a page sends somebody to the dashboard, what it names there is there.
  for (const name of pages)
    for (const [line] of readFileSync(join(folder, `${name}.md`), 'utf8').matchAll(/^.*\bdashboard, row .*$/gmi))
      for (const [, title] of line.matchAll(/"([^"]+)"/g)) assert.ok(panels.some(p => p.title === title), `${name}: there is no ${title}`);
  // What /status calls an alert is one.
  const concerns = readFileSync(join(root, 'service/app/concerns.cpp'), 'utf8');
  for (const [name] of concerns.matchAll(/OnboardingGateway\w+/g)) assert.ok(pages.includes(name), name);
  // Each is tested to fire, and not to.
  const tests = readdirSync(join(root, 'tests/alerts')).filter(name => name.endsWith('.yaml')).map(name => readFileSync(join(root, 'tests/alerts', name), 'utf8')).join('\n');
  for (const { name } of alerts) {
    assert.ok(tests.includes(`- name: ${name} fires\n`), `${name} is tested to fire`);
    assert.ok(tests.includes(`- name: '${name} does not fire. `), `${name} is tested not to fire`);
  }
}

async function check_expressions(world, rules) {
  const scraped = new Set();
  for (const { admin } of world.gateways)
    for (const line of (await (await fetch(`${admin}/metrics`)).text()).split('\n')) if (line && line[0] !== '#') scraped.add(line.match(/^[\w:]+/)[0]);
  const known = name => scraped.has(name) || name === 'up' || elsewhere.has(name) || rules.some(rule => rule.type === 'recording' && rule.name === name);
  assert.deepEqual(metrics_of('sum by (a) (rate(made_up{b="c"}[5m])) > 1e3 + no_such').filter(name => !known(name)), ['made_up', 'e3', 'no_such'], 'the check can fail');

  // Who looks at one release sees nothing of another.
  const others = (expr, name) => filled(expr.replaceAll(`$${name}`, 'another'));
  const annotations = dashboard.annotations.list.filter(a => a.expr).map(a => ({ title: a.name, expr: a.expr }));
  const shown = [...panels.flatMap(p => (p.targets || []).map(t => ({ title: p.title, expr: t.expr }))), ...annotations];
  for (const { title, expr } of shown) {
    await world.query(filled(expr));
    for (const name of ['namespace', 'job']) assert.deepEqual(await world.query(others(expr, name)), [], `${title}: of a ${name} that is not there`);
    // A rate wants to be scraped twice.
    if (expr.includes('process_')) await eventually(`${title}: a line for each instance`, async () => (await world.query(filled(expr))).length === world.gateways.length);
    assert.deepEqual(metrics_of(filled(expr)).filter(name => !known(name)), [], title);
  }
  await assert.rejects(world.query('sum by ('), /parse error/);
  for (const rule of rules) {
    assert.equal(rule.health, 'ok', `${rule.name}: ${rule.lastError}`);
    assert.deepEqual(metrics_of(rule.query).filter(name => !known(name)), [], rule.name);
  }
  return shown;
}

check_layout();
check_intervals();
const world = await World.start(process.argv[2], { shared: 2, attempts: 2 });
try {
  await world.order('production', '/faults', { match: { operation: 'read', times: 1 }, action: { status: 503 } });
  for (const { api } of world.gateways) {
    await world.read('production', 'customer-portal', api);
    await world.create('production', 'customer-portal', { api });
    await world.batch('production', 'customer-portal', { api });
    for (let i = 0; i < 3; ++i) await world.create('sandbox', 'field-tools', { api, wait: 1 });
  }
  // Its intervals, 30 s and more, are for those who store the result for a year.
  await world.start_prometheus(rule_texts.map(text => text.replace(/^ {4}interval: .*\n/gm, '')));
  const rules = async () => (await world.prometheus_says('/rules')).groups.flatMap(group => group.rules);
  await eventually('every rule was evaluated', async () => (await rules()).every(rule => rule.health !== 'unknown'));
  const alerts = (await rules()).filter(rule => rule.type === 'alerting');
  assert.ok(alerts.length >= 20);
  check_pages(alerts);
  const shown = await check_expressions(world, await rules());
  // In calm nothing fires. (Windows of hours, which are full for a minute after the first start on an empty Redis, take five to.)
  assert.deepEqual((await world.alerts()).filter(alert => alert.state === 'firing').map(alert => alert.labels.alertname), []);
  console.log(`${shown.length} expressions of the dashboard, ${alerts.length} alerts, ${(await rules()).length - alerts.length} recording rules`);
} finally {
  await world.stop();
}
process.exit(0);
