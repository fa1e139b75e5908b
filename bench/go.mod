module tocsin/bench

go 1.26.0

require tocsin v0.0.0

require (
	go.yaml.in/yaml/v4 v4.0.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/valyala/fastjson v1.6.10
)

replace tocsin => ../
