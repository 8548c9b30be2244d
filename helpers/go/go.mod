module github.com/OWNER/d4iot-double/helpers/go

go 1.21
