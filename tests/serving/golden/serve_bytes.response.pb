
‘
	keypointsƒ"ğ]èYAoüé@~ArºÎA<_9AªdÀ0P@4­B(HHÀ;L9@^½ANAaƒAWDĞAıdBA,se@ÂJAP«AGµ­A@èl¾¼Ai¬éAPÆA‡êA×oAâ²A,ÕMAîŒ A¢¼TAC­BpÀArä^@İ7ñAéMAÜœAêÀÆd„@ÜğAŸÀ³×¤?Nz BGxˆ@´¼àA§"LAÈ£¦AÌ—Î?¸)AÕd)AfæB6a¾@íB¹eA°¥&B×AhÎAöı+AZ~©A²Aä³A‚A#
facial_keypointsserve_bytes