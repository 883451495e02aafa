import sys,time,collections
t0=time.perf_counter()
from datetime import date
from pathlib import Path
from dataclasses import replace
from scanner.language.pack import read_pack
from scanner.workbench.lint.run import run
from scanner.workbench.lint.context import *
from scanner.cli.options import catalogues
from scanner.inventory import live, collections as c
from scanner.workbench.writers import get
asked={k.lower():(v,) for k,v in live.VERSIONS.items()}
asked[live.REGISTRIES.lower()]=(live.STABLE,live.PREVIEW)
a=Asked(asked,frozenset(x.lower() for x in (*live.COLLECTED,*c.OPT_IN)))
t1=time.perf_counter()
r=read_pack(Path('policies/acr'))
t2=time.perf_counter()
p=PackContext(r,replace(r.pack,frameworks=catalogues(Path('policies/acr'))),date(2026,11,26),asked=a)
t3=time.perf_counter()
rep=run([p])
t4=time.perf_counter()
get('text')(rep,sys.stdout)
print(collections.Counter(x.code for x in rep.problems))
print('import',t1-t0,'read',t2-t1,'cat',t3-t2,'run',t4-t3)
