// The real gateway and the simulators, with accounts that have no windows, one of which refuses what it does not know and wants keys; and how requests of requests.mjs are sent there.
import { randomUUID } from 'node:crypto';
import { Agent, request as http_request } from 'node:http';
import { join } from 'node:path';
import { World, keys } from '../support/world.mjs';
import { account, strict } from './requests.mjs';

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
export const bin = process.env.BIN || join(here, '../../build/shipped/bin');

export const start = () => World.start(bin, {
  accounts: ['production', 'sandbox', account, strict],
  more: name => `    org_id: ${randomUUID()}\n${name === strict ? '    unknown_members: refuse\n    require_idempotency_key: true\n' : ''}`,
});

// Sends it to `api`, as customer-portal if it does not say otherwise: the answer as Contract.check takes it.
export class Caller {
  sessions = []; // that it has made
  constructor(api) {
    this.api = new URL(api);
    this.agent = new Agent({ keepAlive: true, maxSockets: 4 });
  }

  send({ method, target, which, headers, body, anonymous }) {
    const path = target.replace('{session}', () => this.sessions[which % this.sessions.length]);
    const lines = { Authorization: `Bearer ${keys['customer-portal']}`, ...headers };
    if (lines.Authorization === 'other') lines.Authorization = `Bearer ${keys['field-tools']}`;
    if (anonymous) delete lines.Authorization;
    const bytes = Buffer.from(body);
    if (bytes.length || method === 'POST') lines['Content-Length'] = bytes.length;
    return new Promise((done, fail) => {
      const asked = http_request({ host: this.api.hostname, port: this.api.port, method, path, headers: lines, agent: this.agent, timeout: 30000 }, answer => {
        const parts = [];
        answer.on('data', part => parts.push(part)).on('error', fail).on('end', () => {
          const fields = [];
          for (let i = 0; i < answer.rawHeaders.length; i += 2) fields.push([answer.rawHeaders[i].toLowerCase(), answer.rawHeaders[i + 1]]);
          const got = { method, target: path, status: answer.statusCode, fields, body: Buffer.concat(parts).toString('latin1') };
          if (got.status === 201 && path === `/v1/accounts/${account}/onboarding-sessions`) this.sessions.push(JSON.parse(got.body).id);
          done(got);
        });
      });
      asked.on('error', fail).on('timeout', () => asked.destroy(new Error(`no answer to ${method} ${path.slice(0, 100)}`)));
      asked.end(bytes);
    });
  }

  // One session, so that there is one to be read.
  async begin() {
    const body = JSON.stringify({ language: 'de', price_zone_default: 'AT', success_url: 'https://example.com/', cancel_url: 'https://example.com/', user_id: randomUUID() });
    const got = await this.send({ method: 'POST', target: `/v1/accounts/${account}/onboarding-sessions`, headers: { 'Content-Type': 'application/json' }, body });
    if (got.status !== 201) throw new Error(`${got.status}: ${got.body}`);
  }
  end() { this.agent.destroy(); }
}
