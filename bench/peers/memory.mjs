// What a connection costs in memory: idle ones that have been served before, and busy ones whose request waits for the upstream.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer } from 'node:tls';
import { creation, free_port, pause } from './programs.mjs';
import { resident } from './measure.mjs';

const bytes_of = ({ url, headers = {} }) => {
  const { host, pathname } = new URL(url);
  const lines = Object.entries({ Host: host, ...headers, 'Content-Type': 'application/json', Accept: 'application/json', 'Content-Length': creation.length });
  return `POST ${pathname} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${creation}`;
};

// Opens one more connection and sends a request; resolves once it is answered, or (`held`) once it is sent.
const open = (where, held) => new Promise((done, failed) => {
  const socket = connect(Number(new URL(where.url).port), '127.0.0.1', () => socket.write(bytes_of(where), () => held && done(socket)));
  socket.setNoDelay(true);
  socket.once('data', () => done(socket));
  socket.on('error', failed);
});

// Bytes of resident memory per connection, from `few` to `many`, at most so many at once being opened. `held`: how many requests
// the upstream has and holds; all of them have to be there, as one that still stands in line, or was refused, has no connection of its own.
async function slope(child, where, few, many, { held, settle = 500 } = {}) {
  const open_ones = [];
  const all_there = async missing => {
    for (const end = Date.now() + 60_000; held && held() < open_ones.length - missing; await pause(20))
      if (Date.now() > end) throw new Error(`the upstream holds ${held()} of ${open_ones.length} requests: what they take says nothing`);
  };
  const grow = async to => {
    while (open_ones.length < to) {
      open_ones.push(...await Promise.all(Array.from({ length: Math.min(16, to - open_ones.length) }, () => open(where, held !== undefined))));
      await all_there(32);
    }
    await all_there(0);
    await pause(settle);
    return resident(child);
  };
  const first = await grow(few);
  const last = await grow(many);
  for (const socket of open_ones) socket.destroy();
  return (last - first) / (many - few);
}

export const idle = (program, few, many) => slope(program.child, program.local, few, many);

// The gateway against an upstream that holds what it is asked: caller's connection, request, upstream connection with its TLS.
export async function busy(stage, few, many) {
  const port = await free_port();
  const waiting = [];
  const server = createServer({ key: readFileSync(`${stage.folder}/key.pem`), cert: readFileSync(`${stage.folder}/cert.pem`), minVersion: 'TLSv1.3' }, socket => {
    socket.on('error', () => {});
    socket.on('data', bytes => {
      const text = bytes.toString('latin1');
      const answer = body => socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      if (text.includes('/oauth2/token/')) answer('{"access_token":"example-token-not-real","expires_in":36000,"token_type":"Bearer"}');
      else if (text.startsWith('POST') && server.hold) waiting.push(socket);
      else if (text.startsWith('POST')) {
        const id = `497f6eca-6276-4993-bfeb-${String(Date.now() % 1e12).padStart(12, '0')}`;
        answer(`{"authentication_url":"https://connect.podero.com?onboarding_session_id=${id}","id":"${id}","user":"a169451c-8525-4352-b8ca-070dd449a1a5","success_url":"https://my-customerportal.com/success","cancel_url":"https://my-customerportal.com/error","expiration_date":"2030-08-24","object_id":null,"external_metadata":{}}`);
      }
    });
  });
  await new Promise(done => server.listen(port, '127.0.0.1', 4096, done));
  const gateway = await stage.gateway({ connections: many + 100, upstream_port: port });
  server.hold = true;
  try {
    return await slope(gateway.child, gateway.proxied, few, many, { held: () => waiting.length, settle: 3000 });
  } finally {
    await stage.stop(gateway.child);
    server.close();
  }
}
