// Package d4iottest makes mock Microsoft Defender for IoT appliances for tests of password rotation.
//
//	func TestSurvives(t *testing.T) {
//		s := d4iottest.Sensor(t)
//		s.Fail("commit_then_reset")
//		rotate(s.URL, s.Client())
//		if !s.PasswordIs("test", "Later12345!") {
//			t.Error("the password is lost")
//		}
//	}
//
// One process serves all tests of a package, and ends with them. With D4IOT_DOUBLE_URL, the URL of a control API, nothing is
// started. D4IOT_DOUBLE_BIN names the command to start; else it is looked for in PATH.
package d4iottest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A Fixture has the keys of a fixture beside `appliance`: users, lockout, failures, use and others of docs/fixtures.md.
type Fixture map[string]any

// An Appliance is a mock with its own port, users, failure modes, journal and clock. Its methods end the test if the control API
// refuses what they ask.
type Appliance struct {
	// Name is its name in the control API.
	Name string `json:"name"`
	// Kind is sensor or console.
	Kind string `json:"kind"`
	// URL is where it listens, as https://127.0.0.1:40123.
	URL string `json:"url"`
	// CA is the CA certificate as PEM; empty if appliances are served without TLS.
	CA string `json:"-"`

	t       testing.TB
	control *control
	// noted is how many notes the process had written before.
	noted int
}

// Sensor makes a sensor that ends with the test. If the test fails, its log has the appliance's journal.
func Sensor(t testing.TB, fixture ...Fixture) *Appliance {
	t.Helper()
	return New(t, "sensor", fixture...)
}

// Console makes an on-premises management console.
func Console(t testing.TB, fixture ...Fixture) *Appliance {
	t.Helper()
	return New(t, "console", fixture...)
}

// New makes an appliance of a kind, sensor or console, from the keys of the fixtures. Where two fixtures have the same key, the
// value of the later one replaces that of the earlier one as a whole.
func New(t testing.TB, kind string, fixture ...Fixture) *Appliance {
	t.Helper()
	body := map[string]any{"appliance": kind}
	for _, keys := range fixture {
		for key, value := range keys {
			body[key] = value
		}
	}
	control, err := shared()
	if err != nil {
		t.Fatalf("d4iottest: %v", err)
	}
	made := &Appliance{CA: control.ca, t: t, control: control, noted: control.notes.written()}
	if err := control.send("POST", "/v1/appliances", body, made, 0); err != nil {
		t.Fatalf("d4iottest: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(made.report())
		}
		made.Delete()
	})
	return made
}

// Client returns a client that trusts this appliance and nothing else, and asks no proxy.
func (a *Appliance) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.Pool()}}, Timeout: 30 * time.Second}
}

// Pool returns the CA certificate, for tls.Config.RootCAs.
func (a *Appliance) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(a.CA))
	return pool
}

// Fail arms a ready-made failure mode; `d4iot-double fixture modes` lists them.
func (a *Appliance) Fail(name string) {
	a.t.Helper()
	a.send("PATCH", "/failures/"+url.PathEscape(name), map[string]bool{"armed": true}, nil)
}

// FailWith adds a failure mode of your own: {"name": "busy", "on": "set_password", "do": {"status": 503}}. Without "do" it is the
// ready-made one of that name with other conditions. A duration is text, as "500ms".
func (a *Appliance) FailWith(mode map[string]any) {
	a.t.Helper()
	a.send("POST", "/failures", mode, nil)
}

// Disarm disarms a failure mode: later requests are answered without it.
func (a *Appliance) Disarm(name string) {
	a.t.Helper()
	a.send("PATCH", "/failures/"+url.PathEscape(name), map[string]bool{"armed": false}, nil)
}

// PasswordIs tells whether that is the user's password. It is not a sign-in: nothing is counted.
func (a *Appliance) PasswordIs(user, password string) bool {
	a.t.Helper()
	var answer struct {
		PasswordIs bool `json:"password_is"`
	}
	a.send("POST", "/users/"+url.PathEscape(user)+"/password-is", map[string]string{"password": password}, &answer)
	return answer.PasswordIs
}

// ChangeUser changes a user's password, role or state.
func (a *Appliance) ChangeUser(user string, change map[string]string) {
	a.t.Helper()
	a.send("PATCH", "/users/"+url.PathEscape(user), change, nil)
}

// Requests returns the entries of the journal that match, in the order of arrival.
func (a *Appliance) Requests(filter Filter) []Entry {
	a.t.Helper()
	var answer struct{ Entries []Entry }
	a.send("GET", "/journal?"+filter.values().Encode(), nil, &answer)
	return answer.Entries
}

// WaitFor waits until that many matching requests have come, earlier ones included. It ends the test if they do not in time.
func (a *Appliance) WaitFor(filter Filter, count int, timeout time.Duration) []Entry {
	a.t.Helper()
	values := filter.values()
	values.Set("count", fmt.Sprint(count))
	values.Set("timeout", fmt.Sprintf("%dms", timeout.Milliseconds()))
	var answer struct{ Entries []Entry }
	if err := a.control.send("GET", a.path("/journal/wait?"+values.Encode()), nil, &answer, timeout); err != nil {
		a.t.Fatalf("d4iottest: %v", err)
	}
	return answer.Entries
}

// Freeze stops the appliance's clock: delayed answers come when Advance is called.
func (a *Appliance) Freeze() {
	a.t.Helper()
	a.send("POST", "/clock", map[string]bool{"frozen": true}, nil)
}

// Advance moves the appliance's clock forward.
func (a *Appliance) Advance(by time.Duration) {
	a.t.Helper()
	a.send("POST", "/clock", map[string]string{"advance": fmt.Sprintf("%dms", by.Milliseconds())}, nil)
}

// ControlURL returns the URL of this appliance in the control API, as http://127.0.0.1:40123/v1/appliances/sensor, for what has no
// method here: docs/control-api.md lists its resources. A token, if there is one, is sent as "Authorization: Bearer …".
func (a *Appliance) ControlURL() string {
	return a.control.url + a.path("")
}

// Findings returns the client's mistakes that an answer does not show, each once, with what to do about it: one
// that sends no Content-Type, for instance. src/journal/findings.yaml of d4iot-double lists them.
func (a *Appliance) Findings() []Finding {
	a.t.Helper()
	var answer struct{ Findings []Finding }
	a.send("GET", "/findings", nil, &answer)
	return answer.Findings
}

// Reset returns to the fixture as it was loaded, with an empty journal.
func (a *Appliance) Reset() {
	a.t.Helper()
	a.send("POST", "/reset", nil, nil)
}

// Delete closes the port and its connections, and deletes the appliance, if there still is one.
func (a *Appliance) Delete() {
	a.t.Helper()
	err := a.control.send("DELETE", a.path(""), nil, nil, 0)
	if refused, ok := err.(*Error); err != nil && !(ok && refused.Status == http.StatusNotFound) {
		a.t.Errorf("d4iottest: %v", err)
	}
}

// Journal returns the journal as text, a few lines for each request, without passwords.
func (a *Appliance) Journal() string {
	a.t.Helper()
	return a.journal(a.Requests(Filter{}))
}

// report returns the journal; if no request came, also what the process noted: a TLS handshake that failed, for instance.
func (a *Appliance) report() string {
	a.t.Helper()
	entries := a.Requests(Filter{})
	text := a.journal(entries)
	if len(entries) == 0 {
		text += a.control.notes.since(a.noted)
	}
	return text
}

func (a *Appliance) journal(entries []Entry) string {
	text := &strings.Builder{}
	fmt.Fprintf(text, "%s (%s) %s, requests: %d", a.Name, a.Kind, a.URL, len(entries))
	for _, entry := range entries {
		text.WriteString(entry.text())
	}
	return text.String()
}

func (a *Appliance) send(method, path string, body, answer any) {
	a.t.Helper()
	if err := a.control.send(method, a.path(path), body, answer, 0); err != nil {
		a.t.Fatalf("d4iottest: %v", err)
	}
}

func (a *Appliance) path(rest string) string {
	return "/v1/appliances/" + url.PathEscape(a.Name) + rest
}
