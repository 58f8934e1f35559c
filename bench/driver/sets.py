"""The sets of vectors: those of HNSWPG_DATA and generated ones, as files."""
import glob
import json
import os
import struct
from dataclasses import dataclass

from .programs import progress, run


@dataclass
class VectorSet:
    name: str
    metric: str
    base: str = None       # files; None: not generated yet
    query: str = None
    answers: str = None
    n: int = 0
    dim: int = 0
    queries: int = 0
    count: int = None      # only the first of a larger file
    generated: bool = False

    def options(self):
        """For a measuring program."""
        return {'base': self.base, 'query': self.query, 'answers': self.answers, 'metric': self.metric,
                'count': self.count}

    @property
    def wide(self):
        return self.dim >= 512

    @property
    def floats(self):
        return 4 * self.dim * self.n

    def memory_kb(self):
        """A maintenance_work_mem in which any graph on these vectors fits: pgvector's has some 1.1 kB
        an element beside the vector."""
        return int(self.n * (4 * self.dim + 2048) * 1.25) // 1024 + 65536


def shape(path):
    with open(path, 'rb') as file:
        dim, = struct.unpack('<i', file.read(4))
    return os.path.getsize(path) // (4 + 4 * dim), dim


def real_sets(directory):
    """A set for each folder with vectors and answers, by cosine where there are answers for both
    metrics."""
    sets = []
    for base in sorted(glob.glob(f'{directory}/*/base.fvecs')):
        folder = os.path.dirname(base)
        metrics = [m for m in ('cos', 'l2') if os.path.exists(f'{folder}/gt10.{m}.ivecs')]
        if not metrics or not os.path.exists(f'{folder}/query.fvecs'):
            continue
        n, dim = shape(base)
        sets.append(VectorSet(os.path.basename(folder), metrics[0], base, f'{folder}/query.fvecs',
                              f'{folder}/gt10.{metrics[0]}.ivecs', n, dim, shape(f'{folder}/query.fvecs')[0]))
    return sets


def generated_set(n, dim, queries, metric):
    return VectorSet(f'generated-{dim}', metric, n=n, dim=dim, queries=queries, generated=True)


class Workshop:
    """Makes the files of sets in a directory, by the program vector_sets."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory

    def ready(self, vectors, n=None, queries=None):
        """The set with all files there: generated, or reduced to the first `n` vectors and `queries`
        queries where it has more."""
        if vectors.base is None:
            vectors = self.make(vectors, ['--generate', f'{vectors.n},{vectors.dim},{vectors.queries}'])
        n, queries = min(n or vectors.n, vectors.n), min(queries or vectors.queries, vectors.queries)
        if n == vectors.n and queries == vectors.queries:
            return vectors
        return self.make(vectors, ['--base', vectors.base, '--query', vectors.query, '--count', str(n),
                                   '--queries', str(queries)], n)

    def make(self, vectors, options, count=None):
        progress(f'{vectors.name}: vectors and exact answers')
        folder = f'{self.directory}/{vectors.name}-{count or vectors.n}'
        os.makedirs(folder, exist_ok=True)
        shape_of = json.loads(run([self.program, '--out', folder, '--metric', vectors.metric, *options]))
        base = vectors.base or f'{folder}/base.fvecs'
        return VectorSet(vectors.name, vectors.metric, base, f'{folder}/query.fvecs',
                         f'{folder}/gt10.{vectors.metric}.ivecs', shape_of['n'], shape_of['dim'],
                         shape_of['queries'], count, vectors.generated)
