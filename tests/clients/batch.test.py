#!/usr/bin/env python3
"""clients/onboarding-batch against a real gateway and simulator, over a connection that is cut on the way; and against
answers that are scripted, with a clock that a sleep moves.

    batch.test.py BIN        LINES (1500) and RATE (500 per second) may be set
"""
import contextlib
import datetime
import hashlib
import http.server
import importlib.machinery
import importlib.util
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BIN = sys.argv[1]
CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "onboarding-batch")
LINES, RATE = int(os.environ.get("LINES", "1500")), int(os.environ.get("RATE", "500"))
PATIENCE = 30


def eventually(what, is_so):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = is_so()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not so in {PATIENCE} s: {what}")


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return json.load(answer)


class Cutter:
    """A way to the gateway of which the first connection is cut after so many bytes of the answer."""

    def __init__(self, to, after):
        self.to, self.after, self.cuts, self.lock = to, after, 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            gateway = socket.create_connection(("127.0.0.1", self.to))
            limit, self.after = self.after, None
            threading.Thread(target=self.both, args=(caller, gateway, limit)).start()

    def both(self, caller, gateway, limit):
        """Carries both ways; what went each way is written down for tests/contract, as tests/support/recording does."""
        sent, got = bytearray(), bytearray()
        up = threading.Thread(target=self.carry, args=(caller, gateway, None, sent), daemon=True)
        up.start()
        self.carry(gateway, caller, limit, got)
        up.join(PATIENCE)
        folder = os.environ.get("GATEWAY_RECORD")
        if folder and got:
            line = {"from": "batch.test.py", "sent": sent.decode("latin-1"), "got": got.decode("latin-1")}
            with self.lock, open(os.path.join(folder, f"batch.test.py.{os.getpid()}.ndjson"), "a", encoding="ascii") as file:
                file.write(json.dumps(line) + "\n")

    def carry(self, source, target, limit, kept):
        seen = 0
        try:
            while data := source.recv(16384):
                seen += len(data)
                kept += data
                if limit is not None and seen > limit:
                    self.cuts += 1
                    break
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def invitation(number, prefix="invitation"):
    body = {"language": "de", "price_zone_default": "AT", "is_smart_optimization_active_default": True,
            "success_url": "https://my-customerportal.com/success", "cancel_url": "https://my-customerportal.com/error",
            "user_id": f"a169451c-8525-4352-b8ca-{number:012d}"}
    return {"idempotency_key": f"{prefix}-{number}", "body": body}


def write(path, lines):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return path


def run(arguments, **environment):
    return subprocess.run([sys.executable, CLIENT, *arguments], capture_output=True, text=True, timeout=300, check=False,
                          env={**os.environ, **environment})


class World:
    """A gateway and a simulator."""

    def __init__(self, folder):
        self.folder, self.running = folder, []

    def at(self, name):
        return os.path.join(self.folder, name)

    def podero(self):
        with open(self.at("secret"), "w", encoding="utf-8") as file:
            file.write("example-secret-not-real")
        self.running.append(subprocess.Popen(
            [os.path.join(BIN, "podero-simulator"), "--port", "0", "--control-port", "0", "--ports-file", self.at("ports"),
             "--ca-out", self.at("ca.pem"), "--client-id", "example-client", "--client-secret-file", self.at("secret")],
            stdout=subprocess.DEVNULL))
        ports = json.loads(eventually("the simulator listens", lambda: os.path.exists(self.at("ports")) and
                                      (lambda text: text.strip().endswith("}") and text)(open(self.at("ports")).read())))
        self.control = f"http://127.0.0.1:{ports['control']}"
        self.account = {"base_url": f"https://localhost:{ports['api']}/api/partners/v2.0",
                        "token": {"client_id": "example-client", "client_secret_file": self.at("secret")},
                        "tls": {"ca_file": self.at("ca.pem")}}

    def gateway(self, account=None, api=None, callers=None):
        config = {"listeners": {"api": {"address": "127.0.0.1", "port": 0, **(api or {})},
                                "admin": {"address": "127.0.0.1", "port": 0}},
                  "control_socket": self.at("control"),
                  "accounts": {"sandbox": {**self.account, **(account or {})}},
                  "drain": {"delay": "0s", "timeout": "5s"}, **({"callers": callers} if callers else {})}
        with open(self.at("gateway.yaml"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        process = subprocess.Popen([os.path.join(BIN, "onboarding-gateway"), "--config", self.at("gateway.yaml")],
                                   stdout=subprocess.PIPE, text=True)
        self.running.append(process)
        line = next(text for text in process.stdout if "ready to serve" in text)
        threading.Thread(target=lambda: [None for _ in process.stdout], daemon=True).start()
        self.port = int(json.loads(line)["api"].rsplit(":", 1)[1])

    def tell(self, *command):
        return subprocess.run([os.path.join(BIN, "onboarding-gateway"), *command, "--socket", self.at("control")],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)

    def fault(self, rule):
        urllib.request.urlopen(urllib.request.Request(f"{self.control}/faults", json.dumps(rule).encode()), timeout=PATIENCE)

    def mended(self):
        urllib.request.urlopen(urllib.request.Request(f"{self.control}/faults", method="DELETE"), timeout=PATIENCE)

    def total(self):
        return get(f"{self.control}/sessions")["total"]

    def end(self):
        for one in reversed(self.running):
            one.terminate()
        return [one.wait(PATIENCE) for one in self.running]


@contextlib.contextmanager
def world():
    with tempfile.TemporaryDirectory() as folder:
        made = World(folder)
        try:
            made.podero()
            yield made
        finally:
            codes = made.end()
    assert codes == [0] * len(codes), codes


def a_cut_makes_nothing_twice():
    with world() as on:
        on.gateway({"limits": {"sessions": [{"rate": RATE, "per": "1s"}], "queue": {"length": 10, "max_wait": "2s"}}})
        lines = [invitation(i) for i in range(LINES)]
        del lines[7]["body"]["success_url"]
        write(on.at("invitations"), lines)
        cutter = Cutter(on.port, LINES * 400)  # about half of the answer
        client = ["--gateway", f"http://127.0.0.1:{cutter.port}", "--account", "sandbox", on.at("invitations")]
        began = time.monotonic()
        ran = run(client)
        took = time.monotonic() - began
        assert ran.returncode == 1, ran.stderr  # one line is wrong
        assert cutter.cuts == 1, "the connection was not cut"
        assert "cut off" in ran.stderr, ran.stderr
        assert "1 refused for good" in ran.stderr, ran.stderr
        total = on.total()
        assert total == LINES - 1, f"{total} sessions at Podero for {LINES - 1} lines"
        sessions = {}
        for text in open(on.at("invitations.results"), encoding="utf-8"):
            result = json.loads(text)
            if result["status"] < 300:
                sessions[result["idempotency_key"]] = result["body"]["id"]
        assert len(sessions) == len(set(sessions.values())) == LINES - 1
        # Run once more it has nothing to do.
        again = run(client)
        assert again.returncode == 1 and "1 refused for good" in again.stderr, again.stderr
        assert on.total() == total
        busiest = get(f"{on.control}/busiest?operation=create&per=1s")
        assert run(client + ["--gateway", "nonsense"]).returncode == 2
        print(f"{LINES} lines in {took:.1f} s ({LINES / took:.0f} per second, {RATE} allowed), cut once, "
              f"{total} sessions, none twice; busiest second: {busiest}")


def lines_that_wait_for_an_operator_are_asked_for_in_the_next_run():
    with world() as on:
        on.fault({"match": {"operation": "token"}, "action": {"status": 401, "body": {"error": "invalid_client"}}})
        on.gateway()
        write(on.at("invitations"), [invitation(i) for i in range(3)])
        client = ["--gateway", f"http://127.0.0.1:{on.port}", "--account", "sandbox", on.at("invitations")]
        first = run(client)
        assert first.returncode == 3, first.stderr
        assert "3 lines wait for an operator (upstream-unauthorized): run it again when that is mended" in first.stderr
        assert "0 sessions, 0 refused for good" in first.stderr, first.stderr
        on.mended()
        eventually("there is a token", lambda: on.tell("renew-token", "sandbox").returncode == 0)
        eventually("it is used", lambda: get(f"http://127.0.0.1:{on.port}/v1/accounts/sandbox")["upstream"]["token"])
        second = run(client)
        assert second.returncode == 0, second.stderr
        assert on.total() == 3


def a_key_an_account_or_a_certificate_that_does_not_count_is_said_at_once():
    with world() as on:
        secured = []
        if shutil.which("openssl"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-keyout", on.at("tls.key"), "-out", on.at("tls.crt"), "-days", "2", "-subj", "/CN=localhost",
                            "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
            secured = ["--ca-file", on.at("tls.crt")]
        else:
            print("openssl is not installed (Debian: openssl): --ca-file is not tested")
        key = "an-example-key-not-real"
        digest = hashlib.sha256(key.encode()).hexdigest()
        tls = {"tls": {"certificate_file": on.at("tls.crt"), "private_key_file": on.at("tls.key")}} if secured else {}
        on.gateway(api=tls, callers={"campaign": {"key_sha256": [digest], "accounts": ["sandbox"]}})
        write(on.at("invitations"), [invitation(0)])
        at = f"{'https' if secured else 'http'}://localhost:{on.port}"
        client = ["--gateway", at, *secured, on.at("invitations")]
        wrong_key = run([*client, "--account", "sandbox"], GATEWAY_KEY="another-key-not-real")
        assert wrong_key.returncode == 2, wrong_key.stderr
        assert "refused: 401 unauthenticated: " in wrong_key.stderr, wrong_key.stderr
        wrong_account = run([*client, "--account", "sandbocks"], GATEWAY_KEY=key)
        assert wrong_account.returncode == 2, wrong_account.stderr
        assert "refused: 404 not-found: " in wrong_account.stderr, wrong_account.stderr
        if secured:
            unknown = run(["--gateway", at, on.at("invitations"), "--account", "sandbox"], GATEWAY_KEY=key)
            assert unknown.returncode == 2, unknown.stderr
            assert "is not trusted" in unknown.stderr and "--ca-file" in unknown.stderr, unknown.stderr
            missing = run([*client, "--ca-file", on.at("nowhere.pem"), "--account", "sandbox"], GATEWAY_KEY=key)
            assert missing.returncode == 2 and "nowhere.pem" in missing.stderr, missing.stderr
        assert on.total() == 0
        right = run([*client, "--account", "sandbox"], GATEWAY_KEY=key)
        assert right.returncode == 0, right.stderr
        assert on.total() == 1


class Clock:
    """What a client knows of time. Sleeping takes none."""

    def __init__(self):
        self.passed, self.slept = 0.0, []

    def __getattr__(self, name):
        return getattr(time, name)

    def monotonic(self):
        return time.monotonic() + self.passed

    def sleep(self, seconds):
        self.passed += seconds + 1e-3
        self.slept.append(seconds)


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers a batch by `server.script(number of the request, keys)`: a status with headers and a problem, or lines."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        text = b""
        while size := int(self.rfile.readline(), 16):
            text += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        keys = [json.loads(line)["idempotency_key"] for line in text.splitlines()]
        self.server.asked.append(keys)
        answer = self.server.script(len(self.server.asked), keys)
        self.close_connection = True
        if isinstance(answer, tuple):
            status, headers, body = answer
        else:
            lines = [{"line": keys.index(key) + 1, **one} for key, one in answer.items()]
            status, headers = 200, {"Content-Type": "application/x-ndjson"}
            body = "".join(json.dumps(one) + "\n" for one in [*lines, {"summary": {"complete": True}}])
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def problem(status, name, retry, effect="none", **more):
    return {"status": status, "problem": {"type": f"/problems/{name}", "status": status, "detail": f"{name}.",
                                          "upstream_effect": effect, "retry": retry}, **more}


CREATED = {"status": 201, "body": {"id": "not-looked-at"}}


def loaded():
    loader = importlib.machinery.SourceFileLoader("onboarding_batch", CLIENT)
    client = importlib.util.module_from_spec(importlib.util.spec_from_loader("onboarding_batch", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(client)
    return client


def scripted(script, keys, *options):
    """What the client does: exit code, what it said, the clock, and which keys it asked for in each request."""
    client = loaded()
    client.time = Clock()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    server.script, server.asked = script, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    said, before = io.StringIO(), sys.argv
    with tempfile.TemporaryDirectory() as folder:
        path = write(os.path.join(folder, "lines"), [{**invitation(0), "idempotency_key": key} for key in keys])
        sys.argv = [CLIENT, "--gateway", f"http://127.0.0.1:{server.server_port}", "--account", "sandbox", *options, path]
        try:
            with contextlib.redirect_stderr(said):
                code = client.main()
        finally:
            sys.argv = before
            server.shutdown()
            server.server_close()
    return code, said.getvalue(), client.time, server.asked


def a_line_that_is_put_off_is_asked_for_when_it_was_told_and_no_earlier():
    def script(_, keys):
        full = problem(429, "no-free-slot", "later", retry_after=900)
        return {key: CREATED if key == "a" else full for key in keys}

    began = datetime.datetime.now()
    code, said, clock, asked = scripted(script, ["a", "b", "c"], "--attempts", "2")
    assert code == 3, said
    assert asked == [["a", "b", "c"], ["b", "c"], ["b", "c"]], asked
    assert len(clock.slept) == 2 and all(899 < seconds <= 900 for seconds in clock.slept), clock.slept
    told = [line for line in said.splitlines() if "put off" in line]
    instants = [began + datetime.timedelta(seconds=900 + late) for late in range(PATIENCE)]
    assert told[0] in [f"2 lines put off until {one:%H:%M:%S} (no-free-slot)" for one in instants], told
    assert "gave up after 2 attempts without a new answer: 2 lines left" in said, said


def each_line_has_its_own_instant():
    def script(number, keys):
        after = {"a": 10, "b": 4000}
        return {key: CREATED if number > 1 else problem(429, "rate-limited", "later", retry_after=after[key]) for key in keys}

    code, said, clock, asked = scripted(script, ["a", "b"])
    assert code == 0, said
    assert asked == [["a", "b"], ["a"], ["b"]], asked
    assert 9 < clock.slept[0] <= 10 and 3980 < clock.slept[1] <= 3990, clock.slept
    assert "2 lines put off until " in said and " and later (rate-limited)" in said, said


def a_key_whose_outcome_will_not_be_known_is_final_and_what_waits_for_an_operator_is_not():
    def script(_, keys):
        return {key: problem(502, "upstream-error", "operator", "unknown") if key == "a" else
                     problem(502, "upstream-unauthorized", "operator") if key == "b" else CREATED for key in keys}

    code, said, clock, asked = scripted(script, ["a", "b", "c"])
    assert code == 3 and asked == [["a", "b", "c"]] and not clock.slept, (code, said, asked)
    assert "1 sessions, 1 refused for good" in said, said
    assert "1 line waits for an operator (upstream-unauthorized)" in said, said
    code, said, _, asked = scripted(script, ["a", "c"])
    assert code == 1 and len(asked) == 1, (code, said, asked)


def a_batch_that_is_put_off_as_a_whole_comes_back_when_it_was_told():
    def script(number, keys):
        if number == 2:
            return 502, {"Content-Type": "text/html"}, "<h1>Bad gateway</h1>"
        if number > 2:
            return {key: CREATED for key in keys}
        body = json.dumps(problem(503, "draining", "later")["problem"])
        return 503, {"Content-Type": "application/problem+json", "Retry-After": "120"}, body

    code, said, clock, asked = scripted(script, ["a"])
    assert code == 0 and len(asked) == 3, (code, said, asked)
    assert 119 < clock.slept[0] <= 120 and clock.slept[1] < 5, clock.slept
    assert "1 line put off until " in said and "(draining)" in said and "(status 502)" in said, said


def a_gateway_that_holds_lines_back_is_not_waited_for_in_silence():
    client, over, said = loaded(), threading.Event(), io.StringIO()
    progress = client.Progress(3, 1)
    with contextlib.redirect_stderr(said):
        speaking = threading.Thread(target=client.say_what_is_waited_for, args=(progress, "sandbox", over, 0.01))
        speaking.start()
        eventually("it says so", lambda: "1 of 3, nothing new for " in said.getvalue())
        over.set()
        speaking.join(PATIENCE)
    assert "the rest waits at the gateway for its turn (GET /v1/accounts/sandbox shows what is full)" in said.getvalue()


def main():
    a_gateway_that_holds_lines_back_is_not_waited_for_in_silence()
    a_line_that_is_put_off_is_asked_for_when_it_was_told_and_no_earlier()
    each_line_has_its_own_instant()
    a_key_whose_outcome_will_not_be_known_is_final_and_what_waits_for_an_operator_is_not()
    a_batch_that_is_put_off_as_a_whole_comes_back_when_it_was_told()
    lines_that_wait_for_an_operator_are_asked_for_in_the_next_run()
    a_key_an_account_or_a_certificate_that_does_not_count_is_said_at_once()
    a_cut_makes_nothing_twice()


main()
