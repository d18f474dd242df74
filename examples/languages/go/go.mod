module example.org/spawn

go 1.19
