"""What a run was made on, with nothing that names the machine itself."""
import os
import platform
import re

from .programs import run


def cpu():
    found = {}
    with open('/proc/cpuinfo') as file:
        for line in file:
            name, _, value = line.partition(':')
            found.setdefault(name.strip(), value.strip())
    flags = found.get('flags', found.get('Features', '')).split()
    wanted = ('avx2', 'avx512f', 'avx512_vnni', 'avx_vnni', 'asimddp', 'sve')
    return {'model': found.get('model name', platform.machine()), 'cores': len(os.sched_getaffinity(0)),
            'instructions': [flag for flag in wanted if flag in flags]}


def memory_bytes():
    return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')


def system():
    release = {}
    with open('/etc/os-release') as file:
        for line in file:
            name, _, value = line.strip().partition('=')
            release[name] = value.strip('"')
    return release.get('PRETTY_NAME', platform.system())


def describe():
    """`load`: how many other processes wanted the cores over the minute before."""
    kernel = re.sub(r'^(\d+\.\d+).*', r'\1', platform.release())
    return {'cpu': cpu(), 'memory_gb': round(memory_bytes() / 2**30), 'system': system(), 'kernel': kernel,
            'compiler': run(['g++', '--version']).splitlines()[0], 'load': round(os.getloadavg()[0], 2)}
