"""One throw-away server (scripts/cluster) in which all contestants live, each in a database of its own."""
import os
import shlex

from .programs import Program, progress, run

# What is not Postgres's default, and why.
SETTINGS = {
    'max_wal_size': '32GB',          # no checkpoint in the middle of a measurement
    'checkpoint_timeout': '1h',
    'autovacuum': 'off',             # nothing in the background
    'huge_pages': 'try',
    'max_worker_processes': '16',
    'max_parallel_workers': '8',
}
# Name of an extension -> name of its contestant.
EXTENSIONS = {'hnswpg': 'hnswpg', 'vector': 'pgvector'}


class Server:
    def __init__(self, top, directory, shared_buffers):
        self.top, self.directory, self.shared_buffers = top, directory, shared_buffers
        self.environment = {}

    def __enter__(self):
        settings = {**SETTINGS, 'shared_buffers': self.shared_buffers}
        text = run([f'{self.top}/scripts/cluster', 'start', self.directory] +
                   [f'{name}={value}' for name, value in settings.items()])
        for word in shlex.split(text)[1:]:
            name, _, value = word.partition('=')
            if name.startswith('PG'):
                self.environment[name] = value
        return self

    def __exit__(self, *_):
        run([f'{self.top}/scripts/cluster', 'stop', self.directory])

    def sql(self, database, *statements):
        """In one session of the superuser; the lines that psql prints, columns apart by |."""
        command = [f'{self.directory}/bin/psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database]
        for statement in statements:
            command += ['-c', statement]
        return run(command, env={**os.environ, **self.environment}).splitlines()

    def extensions(self):
        """Those of EXTENSIONS that the server has, with their versions."""
        rows = self.sql('postgres', 'SELECT name, default_version FROM pg_available_extensions')
        versions = dict(row.split('|') for row in rows)
        return {name: versions[name] for name in EXTENSIONS if name in versions}

    def version(self):
        return self.sql('postgres', "SELECT current_setting('server_version')")[0]

    def contestant(self, extension, options):
        """The program that measures an extension, in a database of that name."""
        if not self.sql('postgres', f"SELECT 1 FROM pg_database WHERE datname = 'bench_{extension}'"):
            self.sql('postgres', f'CREATE DATABASE bench_{extension}')
        environment = {**self.environment, 'PGDATABASE': f'bench_{extension}'}
        return Program(f'{self.top}/build/cmake/bin/pg_bench', {'extension': extension, **options}, environment)

    def restart(self, shared_buffers):
        """All connections must be closed."""
        self.sql('postgres', f"ALTER SYSTEM SET shared_buffers = '{shared_buffers}'")
        log, data = f'{self.directory}/log/server.log', f'{self.directory}/data'
        run(['bash', '-c', 'source "$0" && cd "$2" && as_server "$1" -D "$2" -m fast -w -l "$3" restart </dev/null',
             f'{self.top}/scripts/lib.sh', f'{self.directory}/bin/pg_ctl', data, log])
        progress(f'server restarted, shared_buffers {shared_buffers}')

    def change(self, name, value):
        """A setting of the whole server that takes effect at once; None: the former value again.
        Checkpoints make sure that the server's own processes have seen it."""
        what = f'RESET {name}' if value is None else f"SET {name} = '{value}'"
        library = ["LOAD 'hnswpg'"] if name.startswith('hnsw.') else []
        self.sql('postgres', *library, f'ALTER SYSTEM {what}', 'SELECT pg_reload_conf()', 'CHECKPOINT')
