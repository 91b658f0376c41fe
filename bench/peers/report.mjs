// Turns what was measured into results/peers.md and its charts, and says which goals are met.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { bars } from './chart.mjs';

export const median = values => {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const first_line = (command, ...args) => {
  try { return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n')[0].trim(); } catch { return `${command}: ?`; }
};
const package_version = name => first_line('dpkg-query', '-W', '-f=${Version}', name);
export const versions = () => [
  `${cpus().length} × ${cpus()[0].model}, ${(totalmem() / 2 ** 30).toFixed(1)} GiB, Linux ${release()}`,
  `nginx ${package_version('nginx')}, lua module ${package_version('libnginx-mod-http-lua')}, HAProxy ${package_version('haproxy')}, ${first_line('openssl', 'version')}, wrk ${package_version('wrk')}`,
  first_line('clang++-19', '--version')];

const of = (rows, column) => {
  const values = rows.map(row => row[column]);
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
};
const figure = (value, digits = 1) => `${value.median.toFixed(digits)} (${value.least.toFixed(digits)} to ${value.most.toFixed(digits)})`;
const titles = { proxied: 'Creation, handed on', local: 'Local answer: an idempotent replay, against `return 200`', refused: 'Refusal: 429 after validation, against `limit_req`' };

// Ratios are the medians of the rounds' own: neighbours in time are compared.
function ratio(rows, other, column) {
  const pairs = rows.filter(row => row.name === 'gateway').map(row => [row, rows.find(peer => peer.name === other && peer.round === row.round)]).filter(([, peer]) => peer);
  return pairs.length ? median(pairs.map(([row, peer]) => row[column] / peer[column])) : undefined;
}

export function report(found, folder, quick) {
  mkdirSync(folder, { recursive: true });
  const kept = found.cells.filter(row => row.steal <= 0.1);
  const out = ['# Against its peers', '', ...versions().map(line => `- ${line}`),
    `- ${new Date().toISOString().slice(0, 10)}, \`make bench${quick ? ' QUICK=1' : ''}\`: ${found.rounds} rounds of ${found.seconds} s for each program, CPU by turns of a tenth of a second, all on one core; ${found.cells.length - kept.length} of ${found.cells.length} cells dropped for steal above 10 %`, '',
    'CPU is microseconds of the program\'s own time per request: median of the rounds, with the least and the greatest. The gateway has everything on, the peers write no access log. How: [README.md](../README.md).', ''];
  const goals = [];
  const goal = (what, value, must, aim, digits = 2) => value !== undefined && goals.push({ what, value, must, aim, digits });
  for (const path of ['proxied', 'local', 'refused']) {
    const rows = kept.filter(row => row.path === path);
    const counts = [...new Set(rows.map(row => row.connections))];
    const names = [...new Set(rows.map(row => row.name))];
    if (!rows.length) continue;
    out.push(`## ${titles[path]}`, '', '| connections | program | CPU µs | gateway / it | p50 ms | p99 ms | p99.9 ms | requests/s |', '|---|---|---|---|---|---|---|---|');
    for (const connections of counts) {
      const here = rows.filter(row => row.connections === connections);
      for (const name of names) {
        const its = here.filter(row => row.name === name);
        if (!its.length) continue;
        out.push(`| ${connections} | ${name} | ${figure(of(its, 'cpu'))} | ${name === 'gateway' ? '' : ratio(here, name, 'cpu')?.toFixed(2) ?? ''} | ${['p50', 'p99', 'p999'].map(c => of(its, c).median.toFixed(2)).join(' | ')} | ${of(its, 'rate').median.toFixed(0)} |`);
      }
      if (path === 'proxied' && connections > 1) {
        goal(`proxied, ${connections} connections: CPU, of nginx's`, ratio(here, 'nginx', 'cpu'), 0.80, 0.68);
        goal(`proxied, ${connections} connections: CPU, of nginx with Lua's`, ratio(here, 'lua', 'cpu'), 0.55, 0.45);
        goal(`proxied, ${connections} connections: p99, of nginx's`, ratio(here, 'nginx', 'p99'), 1.2, 1.2);
        if (connections === 64) goal('proxied, 64 connections: CPU, of the floor\'s', ratio(here, 'floor', 'cpu'), 1.6, 1.4);
      } else if (path !== 'proxied') {
        goal(`${path}, ${connections} connections: CPU, of nginx's`, ratio(here, 'nginx', 'cpu'), 1.5, 1.2);
      }
    }
    writeFileSync(`${folder}/${path}.svg`, bars(titles[path].replaceAll('`', ''), 'CPU µs per request', counts.map(connections => ({
      label: connections, bars: names.map(name => ({ name, ...of(rows.filter(row => row.connections === connections && row.name === name), 'cpu') })).filter(bar => Number.isFinite(bar.median)) }))));
    out.push('', `![${path}](${path}.svg)`, '');
    if (path === 'proxied') {
      // Without the floor: it serves whom it likes, and some wait for a second.
      writeFileSync(`${folder}/latency.svg`, bars('Creation, handed on: p99', 'milliseconds', counts.map(connections => ({
        label: connections, bars: names.filter(name => name !== 'floor').map(name => ({ name, ...of(rows.filter(row => row.connections === connections && row.name === name), 'p99') })).filter(bar => Number.isFinite(bar.median)) }))));
      out.push('![latency](latency.svg)', '');
    }
  }
  out.push('## Per request, and per connection', '', '| | ' + found.details.map(one => one.name).join(' | ') + ' |', '|---|' + found.details.map(() => '---|').join(''));
  const line = (what, show) => out.push(`| ${what} | ${found.details.map(one => { try { return show(one) ?? ''; } catch { return ''; } }).join(' | ')} |`);
  line('system calls, proxied, 64 connections', one => one.calls.total.toFixed(2));
  line('of these', one => Object.entries(one.calls.calls).filter(([, n]) => n >= 0.02).sort((a, b) => b[1] - a[1]).map(([name, n]) => `${name} ${n.toFixed(2)}`).join(', '));
  line('instructions in the program, proxied, 1 connection', one => one.instructions?.instructions.toFixed(0));
  line('allocations, proxied', one => one.instructions?.allocations.toFixed(2));
  line('idle connection, bytes resident', one => one.idle?.toFixed(0));
  line('busy connection, KiB resident', one => one.busy === undefined ? undefined : (one.busy / 1024).toFixed(1));
  line('connections to the upstream used again', one => one.reuse === undefined ? undefined : `${(one.reuse * 100).toFixed(3)} %`);
  const mine = found.details.find(one => one.name === 'gateway') ?? {};
  goal('system calls per proxied request, 64 connections', mine.calls?.total, 5, 4.3);
  goal('bytes of an idle connection', mine.idle, 1024, 512, 0);
  goal('KiB of a busy connection', mine.busy === undefined ? undefined : mine.busy / 1024, 24, 24, 1);
  out.push('', '## Goals', '', '| | measured | at most | aim | |', '|---|---|---|---|---|',
    ...goals.map(one => `| ${one.what} | ${one.value.toFixed(one.digits)} | ${one.must} | ${one.aim} | ${one.value <= one.aim ? 'aim reached' : one.value <= one.must ? 'met' : '**not met**'} |`), '');
  writeFileSync(`${folder}/peers.md`, out.join('\n'));
  writeFileSync(`${folder}/peers.json`, JSON.stringify({ versions: versions(), ...found }, (key, value) => typeof value === 'number' ? +value.toFixed(4) : value) + '\n');
  return { goals, text: readFileSync(`${folder}/peers.md`, 'utf8') };
}
