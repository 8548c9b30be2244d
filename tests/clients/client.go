// One request with net/http. Reads URL, CA_FILE, BODY and TIMEOUT (seconds); prints one line, as every client here does.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

func line() string {
	pem, err := os.ReadFile(os.Getenv("CA_FILE"))
	if err != nil {
		return err.Error()
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	timeout, err := time.ParseDuration(os.Getenv("TIMEOUT") + "s")
	if err != nil {
		return err.Error()
	}
	client := http.Client{Timeout: timeout, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	answer, err := client.Post(os.Getenv("URL"), "application/json", strings.NewReader(os.Getenv("BODY")))
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	var body map[string]any
	if json.NewDecoder(answer.Body).Decode(&body) != nil {
		return "not-json"
	}
	return fmt.Sprint("ok ", answer.StatusCode)
}

func main() {
	fmt.Println(line())
}
