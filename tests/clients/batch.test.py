#!/usr/bin/env python3
"""clients/onboarding-batch against a real gateway and simulator, over a connection that is cut on the way.

    batch.test.py BIN        LINES (1500) and RATE (500 per second) may be set
"""
import json
import os
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


def main():
    running = []
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        try:
            secret = "example-secret-not-real"
            with open(at("secret"), "w", encoding="utf-8") as file:
                file.write(secret)
            running.append(subprocess.Popen(
                [os.path.join(BIN, "podero-simulator"), "--port", "0", "--control-port", "0", "--ports-file", at("ports"),
                 "--ca-out", at("ca.pem"), "--client-id", "example-client", "--client-secret-file", at("secret")],
                stdout=subprocess.DEVNULL))
            ports = json.loads(eventually("the simulator listens", lambda: os.path.exists(at("ports")) and
                                          (lambda text: text.strip().endswith("}") and text)(open(at("ports")).read())))
            with open(at("gateway.yaml"), "w", encoding="utf-8") as file:
                json.dump({
                    "listeners": {"api": {"address": "127.0.0.1", "port": 0}, "admin": {"address": "127.0.0.1", "port": 0}},
                    "accounts": {"sandbox": {
                        "base_url": f"https://localhost:{ports['api']}/api/partners/v2.0",
                        "token": {"client_id": "example-client", "client_secret_file": at("secret")},
                        "tls": {"ca_file": at("ca.pem")},
                        "limits": {"sessions": [{"rate": RATE, "per": "1s"}], "queue": {"length": 10, "max_wait": "2s"}}}},
                    "drain": {"delay": "0s", "timeout": "5s"}}, file)
            gateway = subprocess.Popen([os.path.join(BIN, "onboarding-gateway"), "--config", at("gateway.yaml")],
                                       stdout=subprocess.PIPE, text=True)
            running.append(gateway)
            line = next(text for text in gateway.stdout if "ready to serve" in text)
            threading.Thread(target=lambda: [None for _ in gateway.stdout], daemon=True).start()
            port = int(json.loads(line)["api"].rsplit(":", 1)[1])
            with open(at("invitations"), "w", encoding="utf-8") as file:
                for i in range(LINES):
                    body = {"language": "de", "price_zone_default": "AT", "is_smart_optimization_active_default": True,
                            "success_url": "https://my-customerportal.com/success",
                            "cancel_url": "https://my-customerportal.com/error",
                            "user_id": f"a169451c-8525-4352-b8ca-{i:012d}"}
                    if i == 7:
                        del body["success_url"]
                    file.write(json.dumps({"idempotency_key": f"invitation-{i}", "body": body}) + "\n")
            cutter = Cutter(port, LINES * 400)  # about half of the answer
            client = [sys.executable, CLIENT, "--gateway", f"http://127.0.0.1:{cutter.port}", "--account", "sandbox",
                      at("invitations")]
            began = time.monotonic()
            ran = subprocess.run(client, capture_output=True, text=True, timeout=300, check=False)
            took = time.monotonic() - began
            assert ran.returncode == 1, ran.stderr  # one line is wrong
            assert cutter.cuts == 1, "the connection was not cut"
            assert "cut off" in ran.stderr, ran.stderr
            assert "1 refused for good" in ran.stderr, ran.stderr
            total = get(f"http://127.0.0.1:{ports['control']}/sessions")["total"]
            assert total == LINES - 1, f"{total} sessions at Podero for {LINES - 1} lines"
            sessions = {}
            for text in open(at("invitations.results"), encoding="utf-8"):
                result = json.loads(text)
                if result["status"] < 300:
                    sessions[result["idempotency_key"]] = result["body"]["id"]
            assert len(sessions) == len(set(sessions.values())) == LINES - 1
            # Run once more it has nothing to do.
            again = subprocess.run(client, capture_output=True, text=True, timeout=60, check=False)
            assert again.returncode == 1 and "1 refused for good" in again.stderr, again.stderr
            assert get(f"http://127.0.0.1:{ports['control']}/sessions")["total"] == total
            busiest = get(f"http://127.0.0.1:{ports['control']}/busiest?operation=create&per=1s")
            assert subprocess.run(client + ["--gateway", "nonsense"], capture_output=True, check=False).returncode == 2
            print(f"{LINES} lines in {took:.1f} s ({LINES / took:.0f} per second, {RATE} allowed), cut once, "
                  f"{total} sessions, none twice; busiest second: {busiest}")
        finally:
            for one in reversed(running):
                one.terminate()
            codes = [one.wait(PATIENCE) for one in running]
    assert codes == [0, 0], codes


main()
