module jeroboam.example/pause

go 1.19
