// From the bytes of one connection to exchanges. Texts are bytes: a character a byte.

// Fields are [name in lower case, value]; of several lines each counts.
const fields_of = lines => lines.map(line => {
  const colon = line.indexOf(':');
  return colon < 1 ? null : [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
});
const all = (fields, name) => fields.filter(one => one?.[0] === name).map(one => one[1]);

// What is chunked, from `at`: {body, end}; null where it is cut off or no chunks at all.
function unchunk(text, at) {
  let body = '';
  for (;;) {
    const line_end = text.indexOf('\r\n', at);
    const size = line_end < 0 ? null : text.slice(at, line_end).match(/^([0-9a-f]{1,8})[ \t]*(;.*)?$/i);
    if (!size) return null;
    const length = parseInt(size[1], 16);
    at = line_end + 2;
    if (length === 0) {
      for (;;) { // trailers
        const end = text.indexOf('\r\n', at);
        if (end < 0) return null;
        if (end === at) return { body, end: at + 2 };
        at = end + 2;
      }
    }
    if (text.length < at + length + 2 || text.slice(at + length, at + length + 2) !== '\r\n') return null;
    body += text.slice(at, at + length);
    at += length + 2;
  }
}

// The requests in what a caller sent, as far as they can be told apart; the last one may be a torso.
export function requests_in(sent) {
  const found = [];
  for (let at = 0; at < sent.length;) {
    while (sent.startsWith('\r\n', at)) at += 2;
    const head_end = sent.indexOf('\r\n\r\n', at);
    const head = sent.slice(at, head_end < 0 ? undefined : head_end).split('\r\n');
    if (head.length === 1 && head[0] === '') break;
    const [, method, target] = head[0].match(/^([^ ]+) ([^ ]+)( HTTP\/1\.[01])?$/) ?? [];
    const fields = fields_of(head.slice(1));
    const one = { method, target, fields: fields.filter(Boolean), body: '', whole: false };
    found.push(one);
    if (head_end < 0) break;
    const lengths = all(fields, 'content-length'), codings = all(fields, 'transfer-encoding');
    const sure = !fields.includes(null) && lengths.length + codings.length <= 1 && lengths.every(n => /^\d{1,12}$/.test(n)) && codings.every(c => /^chunked$/i.test(c));
    if (!sure) break;
    at = head_end + 4;
    if (codings.length) {
      const got = unchunk(sent, at);
      if (!got) break;
      [one.body, at] = [got.body, got.end];
    } else {
      const length = Number(lengths[0] ?? 0);
      if (sent.length < at + length) break;
      one.body = sent.slice(at, at + length);
      at += length;
    }
    one.whole = true;
  }
  return found;
}

// Answers, in order, 1xx left out; and how the text ended: 'well', 'cut off', or 'no HTTP'.
export function answers_in(got, requests) {
  const answers = [];
  for (let at = 0; at < got.length;) {
    const head_end = got.indexOf('\r\n\r\n', at);
    if (head_end < 0) return { answers, end: 'HTTP/1.1 '.startsWith(got.slice(at, at + 9)) ? 'cut off' : 'no HTTP' };
    const [first, ...lines] = got.slice(at, head_end).split('\r\n');
    const status = Number(first.match(/^HTTP\/1\.1 ([1-5]\d\d) /)?.[1]);
    const fields = fields_of(lines);
    if (!status || fields.includes(null)) return { answers, end: 'no HTTP' };
    at = head_end + 4;
    if (status < 200) continue;
    const method = requests[answers.length]?.method;
    const one = { status, fields, body: '' };
    const [length] = all(fields, 'content-length');
    if (method === 'HEAD' || status === 204 || status === 304) {
      // nothing more
    } else if (all(fields, 'transfer-encoding').length) {
      const read = unchunk(got, at);
      if (!read) return { answers, end: 'cut off' };
      [one.body, at] = [read.body, read.end];
    } else if (length !== undefined) {
      if (got.length < at + Number(length)) return { answers, end: 'cut off' };
      one.body = got.slice(at, at + Number(length));
      at += Number(length);
    } else {
      [one.body, at] = [got.slice(at), got.length]; // to the end of the connection
    }
    answers.push(one);
  }
  return { answers, end: 'well' };
}

// {method, target, status, fields, body} of each answer on that connection. Of a request that nobody can read, method and target are undefined.
export function exchanges({ sent, got }) {
  const requests = requests_in(sent);
  const { answers, end } = answers_in(got, requests);
  return { end, all: answers.map((answer, i) => ({ method: requests[i]?.method, target: requests[i]?.target, asked: requests[i], ...answer })) };
}
