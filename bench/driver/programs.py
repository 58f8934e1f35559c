"""The measuring programs: each stays alive and answers one command after another."""
import json
import os
import subprocess
import sys
import time

START = time.monotonic()


def progress(text):
    passed = int(time.monotonic() - START)
    print(f'[{passed // 60:3d}:{passed % 60:02d}] {text}', file=sys.stderr, flush=True)


class Failed(Exception):
    pass


class Program:
    """A program that reads commands and answers each with a line of JSON; see ../commands.h."""

    def __init__(self, path, options, environment=None):
        self.name = os.path.basename(path)
        command = [path]
        for name, value in options.items():
            if value is not None:
                command += ['--' + name, str(value)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})})

    def ask(self, command, **words):
        line = ' '.join([command] + [f'{name}={value}' for name, value in words.items()])
        try:
            self.process.stdin.write(line.replace('\n', ' ') + '\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has said why
        answer = self.process.stdout.readline()
        if not answer:
            raise Failed(f'{self.name} ended at: {line[:200]}')
        return json.loads(answer)

    def sql(self, text):
        return self.ask('sql', sql=text)['rows']

    def value(self, text):
        return self.sql(text)[0][0]

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # in the middle of something, when all ends before its end
            self.process.terminate()
            self.process.wait()
        self.process.stdout.close()


def run(command, **more):
    """Runs a command; what it prints is returned."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, **more)
    if done.returncode != 0:
        raise Failed(f'{command[0]} failed')
    return done.stdout
