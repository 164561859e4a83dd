
˜
	keypointsŠ"xC{B1lÔAtÇhBÕ''Bª´.B^E—AşÉ£AÍ¶‘BÛ‘ÖA”QÿA®zBWBÈˆBzB âA2•ªAË.1BÀ—$BVafBôqÄAOL“B+ZWBR@BÿbêA*jKB¨ŸB½wFBncàA_1êA*’B'
facial_keypointsserving_default