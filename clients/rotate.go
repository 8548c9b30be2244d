// Rotates a password of a Defender for IoT appliance: change, reconcile or verify, by D4IOT_OPERATION. Build it with `go build rotate.go`.
//
// Ends with 0 only if the appliance itself said that the password is valid. docs/rotation.md says why each step is there.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

var (
	env    = os.Getenv
	user   = env("USERNAME")
	client = newClient()
)

type object = map[string]any

func newClient() *http.Client {
	pem, _ := os.ReadFile(env("D4IOT_CA"))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	timeout, err := time.ParseDuration(env("D4IOT_TIMEOUT") + "s")
	if err != nil {
		timeout = 5 * time.Second
	}
	// No proxy of the environment. Without connections that are kept, the transport sends nothing again by itself.
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	// This time-out includes the body.
	return &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: stay}
}

// send sends one request. It returns the status and the JSON object of the answer; 0 if no such answer came in time.
func send(operation string, body object) (int, object) {
	prefix := "/api/external/authentication/"
	if env("D4IOT_KIND") == "console" {
		prefix = "/external/authentication/"
	}
	text, _ := json.Marshal(body)
	answer, err := client.Post(env("D4IOT_URL")+prefix+operation, "application/json", bytes.NewReader(text))
	if err != nil {
		return 0, nil
	}
	defer answer.Body.Close()
	var read object
	if json.NewDecoder(answer.Body).Decode(&read) != nil {
		return 0, nil
	}
	return answer.StatusCode, read
}

// ask says whether a password is valid, and whether the answer said so at all.
func ask(password string) (valid, known bool) {
	status, answer := send("validation", object{"username": user, "password": password})
	text := fmt.Sprint(answer)
	if message, _ := answer["msg"].(string); status == 200 && strings.HasPrefix(message, "Authentication succeeded") {
		return true, true
	}
	return false, strings.Contains(strings.ToLower(text), "credentials validation failed")
}

func reconcile() bool {
	// An administrator may set the same password twice: an earlier run does not matter.
	send("set_password_by_admin", object{"admin_username": env("ADMIN_USERNAME"), "admin_password": env("ADMIN_PASSWORD"),
		"username": user, "new_password": env("NEW_PASSWORD")})
	valid, _ := ask(env("NEW_PASSWORD"))
	return valid
}

func change() bool {
	old, known := ask(env("PASSWORD"))
	if !known {
		return false // nothing is known, so nothing is changed
	}
	if old { // once, whatever comes back
		send("set_password", object{"username": user, "password": env("PASSWORD"), "new_password": env("NEW_PASSWORD")})
	}
	valid, known := ask(env("NEW_PASSWORD")) // also where the old one was refused: an earlier run may have set it
	if valid || !known {
		return valid
	}
	if old {
		old, known = ask(env("PASSWORD"))
	}
	// Neither is valid. No more sign-ins of this user: five refusals lock an address out.
	return known && !old && env("ADMIN_USERNAME") != "" && reconcile()
}

func verify() bool {
	valid, _ := ask(env("PASSWORD"))
	return valid
}

func main() {
	tasks := map[string]func() bool{"change": change, "reconcile": reconcile, "verify": verify}
	task := tasks[env("D4IOT_OPERATION")]
	if task != nil && task() {
		fmt.Println("done: the password is valid")
		return
	}
	fmt.Fprintln(os.Stderr, "not done: run again with the same passwords")
	os.Exit(1)
}
