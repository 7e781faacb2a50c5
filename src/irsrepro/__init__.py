"""irsrepro: reference replication of five papers on intelligent reflecting surfaces."""

from irsrepro.arithmetic import fix_arithmetic

fix_arithmetic()  # before any module of the package loads a numerical library
