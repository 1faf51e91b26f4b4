"""A client of JSON lines over a child process, in plain Python: one turn, and what the model said on standard output.

Usage: turn.py FOLDER PROGRAM [ARGUMENT ...]
"""

import itertools
import json
import subprocess
import sys

folder, command = sys.argv[1], sys.argv[2:]
child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
ids = itertools.count(1)


def send(message):
    child.stdin.write(json.dumps(message) + "\n")
    child.stdin.flush()


def read():
    line = child.stdout.readline()
    if not line:
        sys.exit("the server is gone")
    return json.loads(line)


def call(method, params):
    """Sends a request and returns its result. Messages that come before the answer are passed over."""
    number = next(ids)
    send({"id": number, "method": method, "params": params})
    while True:
        message = read()
        if message.get("id") == number and "method" not in message:
            return message["result"]


call("initialize", {"clientInfo": {"name": "plain_python", "version": "1"}})
send({"method": "initialized"})
thread = call("thread/start", {"cwd": folder})["thread"]["id"]
turn = call("turn/start", {"threadId": thread, "input": [{"type": "text", "text": "Say hello."}]})["turn"]["id"]
while True:
    message = read()
    if message.get("method") == "item/agentMessage/delta":
        print(message["params"]["delta"], end="", flush=True)
    if message.get("method") == "turn/completed" and message["params"]["turn"]["id"] == turn:
        print()
        print(message["params"]["turn"]["status"])
        break
child.stdin.close()
sys.exit(child.wait())
