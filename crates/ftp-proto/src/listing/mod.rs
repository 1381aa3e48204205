//! Directory listings: bytes of LIST, NLST, MLSD and MLST into entries
