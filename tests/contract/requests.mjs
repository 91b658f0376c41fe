// Requests made from the contract, good ones and spoiled ones, each with the statuses that it may be answered with.
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder } from './contract.mjs';

const schema = name => JSON.parse(readFileSync(join(folder, 'schemas', name), 'utf8'));

// ---- values that a schema allows

// Any Unicode; JSON of them is UTF-8.
const text = (limits = {}) => fc.string({ unit: 'binary', ...limits });
const word = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
const https_url = fc.tuple(fc.domain(), fc.constantFrom('', ':8443'), fc.webPath(), fc.constantFrom('', '?a=1&b=%20', '#part'))
  .map(([host, port, path, rest]) => `https://${host}${port}${path || '/'}${rest}`);
const email = fc.tuple(word, fc.domain()).map(([name, host]) => `${name}@${host}`).filter(one => one.length <= 254);
const formats = { uuid: fc.uuid(), uri: https_url, email };

function allowed(of) {
  if (of.const !== undefined) return fc.constant(of.const);
  if (of.enum) return fc.constantFrom(...of.enum);
  if (of.format) {
    if (!formats[of.format]) throw new Error(`nobody makes values of format ${of.format}`);
    return formats[of.format];
  }
  switch (of.type) {
    case 'boolean': return fc.boolean();
    case 'string': return of.pattern ? fc.stringMatching(new RegExp(of.pattern)) : text({ minLength: of.minLength ?? 0, maxLength: Math.min(of.maxLength ?? 100, 100) });
    case 'object': return of.properties ? object(of) : fc.dictionary(word, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
    default: throw new Error(`nobody makes values of type ${of.type}`);
  }
}
// The gateway takes what has the form, and Podero decides: regions by number are refused by the simulator's.
const taken_by_podero = { language: fc.stringMatching(/^[a-z]{2}([-_][A-Z]{2})?$/) };
const object = (of, required = of.required ?? []) => {
  const known = fc.record(Object.fromEntries(Object.entries(of.properties).map(([name, member]) => [name, taken_by_podero[name] ?? allowed(member)])), { requiredKeys: required });
  if (!of.additionalProperties) return known;
  const more = fc.dictionary(word.filter(name => !(name in of.properties) && name !== '__proto__'), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 3 });
  return fc.tuple(known, more).map(([given, others]) => ({ ...given, ...others }));
};

// ---- values that it does not allow

const other_types = { string: [7, true, null, [], {}], boolean: ['yes', 1, null, []], object: ['text', 7, [], true] };

// Of one member of an object of that schema: [how it was spoiled, the value].
function forbidden(name, of) {
  const spoiled = [];
  if (of.const === undefined) for (const value of other_types[of.type]) spoiled.push(fc.constant([`${name} is ${JSON.stringify(value)}`, value]));
  if (of.const !== undefined) spoiled.push(word.filter(one => one !== of.const).map(value => [`${name} is another`, value]));
  if (of.format === 'uuid') spoiled.push(fc.uuid().map(id => [`${name} is a piece of a UUID`, id.slice(0, -1)]), word.map(value => [`${name} is no UUID`, value]));
  if (of.format === 'email') spoiled.push(word.map(value => [`${name} has no @`, value]), fc.constant([`${name} has a space`, 'a b@example.com']));
  if (of.format === 'uri') {
    spoiled.push(https_url.map(url => [`${name} is http`, url.replace('https:', 'http:')]), https_url.map(url => [`${name} has user info`, url.replace('://', '://user:word@')]),
      fc.constantFrom('javascript:alert(1)', 'ftp://example.com/', '//example.com/', 'example.com', '', 'https://').map(url => [`${name} is ${url}`, url]));
  } else if (of.pattern) {
    const is_so = new RegExp(of.pattern);
    spoiled.push(text({ maxLength: 30 }).filter(value => !is_so.test(value)).map(value => [`${name} breaks its pattern`, value]));
  }
  if (of.maxLength) spoiled.push(fc.integer({ min: 1, max: 50 }).map(more => [`${name} is too long`, (of.format === 'uri' ? 'https://example.com/' : of.format === 'email' ? 'a@' : '').padEnd(of.maxLength + more, 'a')]));
  return fc.oneof(...spoiled);
}

// [how, body] of a body that has one fault more than `of` allows.
function faulty(of, required) {
  const good = object(of, required);
  const members = Object.entries(of.properties).filter(([name]) => name !== 'external_metadata');
  return fc.oneof(
    fc.tuple(good, fc.constantFrom(...required)).map(([body, name]) => { const { [name]: _, ...rest } = body; return [`${name} is missing`, rest]; }),
    fc.constantFrom(...members).chain(([name, member]) => fc.tuple(good, forbidden(name, member)).map(([body, [how, value]]) => [how, { ...body, [name]: value }])));
}

// ---- requests

export const account = 'plain', strict = 'strict';
const sessions = `/v1/accounts/${account}/onboarding-sessions`, users = `/v1/accounts/${account}/users`;
const session_schema = schema('session-request.json'), user_schema = schema('user-request.json');
// Of an account without defaults, as the schema's description has it.
const session_members = ['language', 'price_zone_default', 'success_url', 'cancel_url', 'user_id'];
const json = { 'Content-Type': 'application/json' }, lines = { 'Content-Type': 'application/x-ndjson' };
const written = value => JSON.stringify(value);
const key = fc.stringMatching(/^[!#-+.-~-]([ -!#-~]{0,60}[!#-~])?$/);

const creations = [
  { operation: 'createSession', target: sessions, of: session_schema, required: session_members },
  { operation: 'createUser', target: users, of: user_schema, required: user_schema.required },
];

// Good ones: {operation, how, method, target, headers, body, expect}.
const good_creation = fc.constantFrom(...creations).chain(({ operation, target, of, required }) =>
  fc.record({
    body: object(of, required), key: fc.option(key), wait: fc.option(fc.integer({ min: 5, max: 60 })),
  }).map(({ body, key, wait }) => ({
    operation, how: 'good', method: 'POST', target, body: written(body), expect: [201],
    headers: { ...json, ...(key === null ? {} : { 'Idempotency-Key': key }), ...(wait === null ? {} : { Prefer: `wait=${wait}` }) }, own_key: key !== null,
  })));
// On the account that knows only what is listed, and wants a key for every creation.
const strict_creation = fc.constantFrom(...creations).chain(({ operation, target, of, required }) =>
  fc.record({ body: object({ ...of, additionalProperties: false }, required), key, more: word.filter(name => !(name in of.properties)), way: fc.constantFrom('good', 'an unknown member', 'no key of its own') })
    .map(({ body, key, more, way }) => ({
      operation, how: way, method: 'POST', target: target.replace(account, strict), body: written(way === 'an unknown member' ? { ...body, [more]: 1 } : body),
      headers: { ...json, ...(way === 'no key of its own' ? {} : { 'Idempotency-Key': key }) }, own_key: way !== 'no key of its own',
      expect: { good: [201], 'an unknown member': [422], 'no key of its own': [400] }[way],
    })));
const good_read = fc.oneof(
  fc.uuid().map(id => ({ operation: 'readSession', target: `${sessions}/${id}`, expect: [404] })),
  fc.nat().map(which => ({ operation: 'readSession', target: `${sessions}/{session}`, which, expect: [200] })),
  fc.nat().map(which => ({ operation: 'freeSlot', method: 'DELETE', target: `${sessions}/{session}/slot`, which, expect: [204] })),
  fc.uuid().map(id => ({ operation: 'listHeatPumps', target: `${users}/${id}/heat-pumps`, expect: [200] })),
  fc.tuple(fc.uuid(), fc.uuid()).map(([user, device]) => ({ operation: 'readHeatPump', target: `${users}/${user}/heat-pumps/${device}`, expect: [404] })),
  fc.constantFrom(
    { operation: 'listAccounts', target: '/v1/accounts', expect: [200] }, { operation: 'readAccount', target: `/v1/accounts/${account}`, expect: [200] },
    { operation: 'readContract', target: '/openapi.json', expect: [200] }, { operation: 'readProblem', target: '/problems/rate-limited', expect: [200] }, { operation: 'readProblem', target: '/problems/no-free-slot', headers: { Accept: 'text/html' }, expect: [200] }),
).map(one => ({ how: 'good', method: 'GET', headers: {}, body: '', ...one }));
const good_line = fc.record({ body: object(session_schema, session_members) }).map(line => ({ how: 'good', text: written(line), expect: [201] }));
const bad_line = fc.oneof(
  faulty(session_schema, session_members).map(([how, body]) => ({ how, text: written({ body }), expect: [422] })),
  fc.constantFrom('nonsense', '[]', '{}', '{"body":[]}', '{"body":{},"body":{}}', '{"other":1}').map(line => ({ how: line, text: line, expect: [400, 422] })));
const batch = fc.array(fc.oneof(good_line, bad_line), { maxLength: 6 }).map(all => ({
  operation: 'createSessions', how: all.map(line => line.how).join('; '), method: 'POST', target: `${sessions}/batch`, headers: lines,
  body: all.map(line => `${line.text}\n`).join(''), expect: [200], expect_lines: all.map(line => line.expect),
}));
const good = fc.oneof({ weight: 5, arbitrary: good_creation }, { weight: 3, arbitrary: good_read }, { weight: 1, arbitrary: batch });

// A body with a fault in a member.
const bad_member = fc.constantFrom(...creations).chain(({ operation, target, of, required }) =>
  faulty(of, required).map(([how, body]) => ({ operation, how, method: 'POST', target, headers: json, body: written(body), expect: [422] })));
// A body that is not what it says that it is.
const bad_body = fc.tuple(good_creation, fc.nat()).chain(([one, where]) => fc.constantFrom(
  ['cut off', one.body.slice(0, 1 + where % (one.body.length - 1)), [400]],
  ['a member twice', one.body.replace('{', `{${one.body.slice(1).match(/^"(?:[^"\\]|\\.)*":/)?.[0] ?? '"a":1,"a":'}null,`), [400]],
  ['bytes that are no UTF-8', Buffer.from(one.body.replace('{', '{"\xff":1,'), 'latin1'), [400]],
  ['an array', `[${one.body}]`, [400]], ['a text', written(one.body), [400]], ['nothing', '', [400]], ['two values', `${one.body} ${one.body}`, [400]],
  ['too deep', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`, [400]], ['too large', one.body.padEnd(70000), [413]],
).map(([how, body, expect]) => ({ ...one, how, body, expect })));
// A request around whose body something is wrong. What is wrong first decides, so there is one of it.
const with_headers = (one, how, headers, expect) => ({ ...one, how, headers: { ...one.headers, ...headers }, expect });
const bad_request = good.chain(one => {
  const of_account = one.target.includes(account), guarded = one.target.startsWith('/v1'), posts = one.method === 'POST';
  const ways = [
    { ...one, how: 'another method', method: 'PATCH', expect: [405] },
    with_headers(one, 'no JSON wanted', { Accept: 'image/png' }, [406]),
    with_headers(one, 'a long header', { 'X-Long': 'x'.repeat(17000) }, [431]),
    { ...one, how: 'a long target', target: `${one.target}?${'x'.repeat(9000)}`, expect: [414] },
    { ...one, how: 'a path that is not there', target: `/v9${one.target}`, expect: [404] },
  ];
  if (guarded) ways.push(with_headers(one, 'a wrong key', { Authorization: 'Bearer no-key-of-anybody-not-real' }, [401]), { ...one, how: 'no key', anonymous: true, expect: [401] });
  if (of_account) ways.push({ ...one, how: 'an account that is not there', target: one.target.replace(account, 'nowhere'), expect: [404] });
  if (of_account) ways.push(with_headers(one, 'an account of others', { Authorization: 'other' }, [403]));
  if (posts) {
    for (const type of ['text/plain', 'application/xml', 'application/json; charset=latin1', 'multipart/form-data']) ways.push(with_headers(one, `a body of ${type}`, { 'Content-Type': type }, [415]));
    ways.push(with_headers(one, 'a compressed body', { 'Content-Encoding': 'gzip' }, [415]));
    for (const bad of ['', 'x'.repeat(256), 'a\tb', '"open']) ways.push(with_headers(one, `the key ${bad.slice(0, 10)}`, { 'Idempotency-Key': bad }, [400]));
  }
  return fc.constantFrom(...ways).map(({ expect_lines, ...spoiled }) => spoiled);
});

export const request = fc.oneof({ weight: 8, arbitrary: good }, { weight: 1, arbitrary: strict_creation }, { weight: 4, arbitrary: bad_member }, { weight: 2, arbitrary: bad_body }, { weight: 4, arbitrary: bad_request });
export { bad_member, good };
