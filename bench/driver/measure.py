"""One set of vectors, all contestants: what is measured, in which order. Contestants take turns in
everything that is timed, round by round."""
import os

from .programs import Program, progress
from .server import EXTENSIONS
from .stats import ef_for

EFS = (10, 14, 20, 28, 40, 56, 80, 120, 160, 240, 320, 480, 640, 900)
ENOUGH = 0.993        # a sweep ends at the first ef from 40 on that finds so much
COMPARED = 0.95       # the recall at which connections, blocks, first queries are compared
PARTS = ('build', 'search', 'two', 'fresh', 'memory', 'blocks', 'write')


class SetRun:
    """Collects into `result`, which is what the JSON has of this set."""

    def __init__(self, server, vectors, options):
        self.server, self.vectors, self.options = server, vectors, options
        self.result = {'name': vectors.name, 'metric': vectors.metric, 'n': vectors.n, 'dim': vectors.dim,
                       'queries': vectors.queries, 'generated': vectors.generated}
        self.contestants = {EXTENSIONS[e]: server.contestant(e, vectors.options()) for e in options.extensions}
        if 'hnswlib' in options.contestants:
            self.contestants['hnswlib'] = Program(f'{server.top}/build/cmake/bin/float_bench', vectors.options())

    # --- Small helpers ---------------------------------------------------------

    def say(self, text):
        progress(f'{self.vectors.name} ({self.vectors.n:,} x {self.vectors.dim}): {text}')

    def in_server(self):
        return {name: program for name, program in self.contestants.items() if name != 'hnswlib'}

    def keep(self, part, contestant, value):
        """One more round of something."""
        self.result.setdefault(part, {}).setdefault(contestant, []).append(value)

    def ef(self, contestant):
        recalls = {int(ef): recall for ef, recall in self.result['recall'][contestant].items()}
        return min(ef_for(COMPARED, recalls), 1000)

    def measure(self, parts):
        self.parts = parts
        try:
            for contestant, program in self.in_server().items():
                self.say(f'{contestant}: loading the table')
                self.result.setdefault('table', {})[contestant] = program.ask('load')['table']
            for part in ('build', 'recall', 'search', 'two', 'fresh', 'memory', 'blocks', 'write'):
                if part in parts or part == 'build' or (part == 'recall' and parts != {'build'}):
                    getattr(self, part)()
        finally:
            for program in self.contestants.values():
                program.close()
            for extension in self.options.extensions:
                self.server.sql('postgres', f'DROP DATABASE IF EXISTS bench_{extension} WITH (FORCE)')
        return self.result

    # --- Building --------------------------------------------------------------

    def build(self):
        """With one thread and with two, where that was asked for; the last build stays for what follows."""
        complete = 'build' in self.parts
        rounds, threads = (self.rounds_of_builds() if complete else 1), [2]
        if complete and self.options.one_thread(self.vectors):
            threads = [1, 2]
        for _ in range(rounds):
            for count in threads:
                for contestant, program in self.contestants.items():
                    self.build_one(contestant, program, count)

    def rounds_of_builds(self):
        return self.options.builds or (3 if self.vectors.n * self.vectors.dim <= 20e6 else 1)

    def build_one(self, contestant, program, threads):
        words = {'threads': threads}
        if contestant != 'hnswlib':
            words['memory'] = self.memory_kb()
        if contestant == 'pgvector':
            # Its leader takes part too: with two workers three processes share what there is.
            words['workers'] = 0 if threads == 1 else 2
        answer = program.ask('build', **words)
        answer['threads'] = threads
        workers = f", {answer['workers']:.0f} workers" if contestant == 'pgvector' and threads > 1 else ''
        self.say(f"{contestant}: built, {threads} threads{workers}: {answer['seconds']:.2f} s, "
                 f"{answer['peak'] / 2**20:.0f} MB")
        if 'no longer fits' in answer.get('notice', ''):
            self.say(f"{contestant}: {answer['notice'].strip().splitlines()[0]}")
        self.keep('build', contestant, answer)

    def memory_kb(self):
        """maintenance_work_mem for a graph that fits: what parallel workers share must also fit into
        /dev/shm."""
        shared = os.statvfs('/dev/shm')
        room = shared.f_bavail * shared.f_frsize * 9 // 10 // 1024
        if room < self.vectors.memory_kb():
            self.say(f'/dev/shm has room for graphs of {room // 1024} MB only')
        return min(self.vectors.memory_kb(), room)

    # --- Searching -------------------------------------------------------------

    def recall(self):
        """For each contestant the efs to compare at, up to one that finds enough."""
        recalls = self.result['recall'] = {}
        for contestant, program in self.contestants.items():
            recalls[contestant] = {}
            for ef in EFS:
                found = recalls[contestant][ef] = program.ask('recall', ef=ef)['recall']
                if found >= ENOUGH and ef >= 40:
                    break
            self.say(f'{contestant}: recall@10 ' + ', '.join(f'{r:.3f}' for r in recalls[contestant].values()))

    def search(self):
        """Rounds of the whole sweep, through the client and inside."""
        sweeps = {name: list(recalls) for name, recalls in self.result['recall'].items()}
        for number in range(self.options.rounds):
            self.say(f'searches, round {number + 1} of {self.options.rounds}')
            for i in range(max(map(len, sweeps.values()))):
                for contestant, program in self.contestants.items():
                    if i < len(sweeps[contestant]):
                        self.search_one(contestant, program, sweeps[contestant][i])

    def search_one(self, contestant, program, ef):
        if contestant == 'hnswlib':
            self.keep_at('inside', contestant, ef, program.ask('search', ef=ef)['us'])
            return
        if self.options.client:
            self.keep_at('client', contestant, ef, program.ask('client', ef=ef))
        self.keep_at('inside', contestant, ef, program.ask('inside', ef=ef)['us'])

    def keep_at(self, part, contestant, ef, value):
        by_ef = self.result.setdefault(part, {}).setdefault(contestant, {})
        by_ef.setdefault(ef, []).append(value)

    def two(self):
        if len(os.sched_getaffinity(0)) < 2:
            self.say('two connections: not measured, there is one core')
            return
        self.say('two connections')
        self.in_turns('two', seconds=self.options.seconds)

    def fresh(self):
        self.say('fresh connections')
        self.in_turns('fresh', connections=self.options.connections)

    def in_turns(self, part, **words):
        for _ in range(self.options.rounds):
            for contestant, program in self.in_server().items():
                self.keep(part, contestant, program.ask(part, ef=self.ef(contestant), **words))

    # --- Little memory ---------------------------------------------------------

    def memory(self):
        """hnswpg with a quarter of the maintenance_work_mem that it wants, against itself with all."""
        program = self.contestants.get('hnswpg')
        if program is None:
            return
        wanted = program.ask('memory')['memory']
        if not wanted:  # it never says that it wants more: then what it used when it had it
            wanted = max(b['peak'] for b in self.result['build']['hnswpg']) / 1024
        for _ in range(self.rounds_of_builds()):
            for share in (1, 0.25):
                memory = max(1024, int(wanted * share * (1.05 if share == 1 else 1)))
                answer = program.ask('build', threads=2, memory=memory)
                answer.update(share=share, memory=memory, recall=program.ask('recall', ef=40)['recall'])
                self.say(f"hnswpg: built with {memory / 1024:.0f} MB: {answer['seconds']:.2f} s, recall at "
                         f"ef 40 {answer['recall']:.4f}")
                self.keep('memory', 'hnswpg', answer)
        program.ask('build', threads=2, memory=self.memory_kb())

    # --- Blocks ----------------------------------------------------------------

    def blocks(self):
        """For each with a server whose shared_buffers are an eighth of its index."""
        self.disconnect()
        for contestant, program in self.in_server().items():
            size = self.result['build'][contestant][-1]['size']
            self.server.restart(f'{max(128, int(size / 8 / 1024))}kB')
            answer = program.ask('blocks', ef=self.ef(contestant))
            self.say(f"{contestant}: {answer['index_touched']:.0f} blocks of the index a query, "
                     f"{answer['index_read']:.1f} read")
            self.result.setdefault('blocks', {})[contestant] = answer
        self.server.restart(self.server.shared_buffers)

    def disconnect(self):
        for program in self.in_server().values():
            program.ask('disconnect')

    # --- Writing ---------------------------------------------------------------

    def write(self):
        rows = min(self.vectors.n, self.options.write_rows)
        self.say(f'inserting into a table of {rows:,} rows')
        for program in self.in_server().values():
            program.ask('prepare_writes', rows=rows, memory=self.memory_kb())
        # Images of pages would be there or not depending on when the last checkpoint was.
        self.server.change('full_page_writes', 'off')
        for _ in range(self.options.rounds):
            for contestant, program in self.in_server().items():
                self.keep('insert', contestant, program.ask('insert', rows=self.options.insert_rows))
        self.server.change('full_page_writes', None)
        if 'hnswpg' in self.contestants:
            self.server.change('hnsw.sync_interval', '0')  # nobody else takes the dead out
        for contestant, program in self.in_server().items():
            answer = program.ask('vacuum')
            self.say(f"{contestant}: VACUUM {answer['vacuum']:.2f} s, cleanup {answer['cleanup']:.2f} s")
            self.result.setdefault('vacuum', {})[contestant] = answer
        if 'hnswpg' in self.contestants:
            self.server.change('hnsw.sync_interval', None)
        self.disconnect()
