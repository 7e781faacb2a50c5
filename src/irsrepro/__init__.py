"""irsrepro: reference replication of five papers on intelligent reflecting surfaces."""
