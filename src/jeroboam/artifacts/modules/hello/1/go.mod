module jeroboam.example/hello

go 1.19
