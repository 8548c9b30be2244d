package d4iottest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// send sends a request as a client does. It returns the status, or an error if no answer comes.
func send(a *Appliance, operation string, body map[string]string) (int, error) {
	prefix := map[string]string{"sensor": "/api/external/authentication/", "console": "/external/authentication/"}[a.Kind]
	text, _ := json.Marshal(body)
	answer, err := a.Client().Post(a.URL+prefix+operation, "application/json", bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	return answer.StatusCode, nil
}

func change(a *Appliance) (int, error) {
	return send(a, "set_password", map[string]string{"username": "test", "password": "Test12345!", "new_password": "Later12345!"})
}

func validate(t *testing.T, a *Appliance) int {
	t.Helper()
	status, err := send(a, "validation", map[string]string{"username": "test", "password": "Test12345!"})
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func TestALostAnswerLeavesTheNewPassword(t *testing.T) {
	t.Parallel()
	s := Sensor(t)
	s.Fail("commit_then_reset")

	if _, err := change(s); err == nil {
		t.Fatal("an answer came")
	}

	if !s.PasswordIs("test", "Later12345!") || s.PasswordIs("test", "Test12345!") {
		t.Error("the password was not replaced")
	}
	entries := s.Requests(Filter{Operation: "set_password", Failure: "commit_then_reset"})
	if len(entries) != 1 || entries[0].State != "cut" || !entries[0].Changed || entries[0].Passwords["password"] == "" {
		t.Errorf("%+v", entries)
	}
	journal := s.Journal()
	if !strings.Contains(journal, `set_password by "test" → password_replaced`) || !strings.Contains(journal, "under failure mode commit_then_reset") {
		t.Error(journal)
	}
	if strings.Contains(journal, "Later12345!") {
		t.Error("the journal shows a password")
	}
}

func TestAConsoleHasItsOwnPaths(t *testing.T) {
	t.Parallel()
	if status := validate(t, Console(t)); status != http.StatusOK {
		t.Error(status)
	}
}

func TestAFixtureGivesUsersAndFailuresAreDisarmed(t *testing.T) {
	t.Parallel()
	s := Sensor(t, Fixture{"users": []map[string]string{{"username": "test", "password": "Test12345!", "role": "read_only"}}})
	s.FailWith(map[string]any{"name": "busy", "on": "validation", "do": map[string]int{"status": 503}})
	busy := validate(t, s)
	s.Disarm("busy")
	s.ChangeUser("test", map[string]string{"state": "locked"})
	locked := validate(t, s)
	s.Reset()

	if after := validate(t, s); busy != 503 || locked != 401 || after != 200 {
		t.Error(busy, locked, after)
	}
	if findings := s.Findings(); len(findings) != 0 {
		t.Error(findings)
	}
}

func TestADelayedAnswerComesWhenTheClockMoves(t *testing.T) {
	t.Parallel()
	s := Sensor(t)
	s.FailWith(map[string]any{"name": "late", "do": map[string]string{"delay": "1h"}})
	s.Freeze()
	status := make(chan int)
	go func() {
		got, _ := change(s)
		status <- got
	}()

	s.WaitFor(Filter{Operation: "set_password", State: "open"}, 1, 10*time.Second)
	s.Advance(time.Hour)

	if got := <-status; got != http.StatusOK {
		t.Error(got)
	}
}

func TestADeletedApplianceIsGone(t *testing.T) {
	t.Parallel()
	s := Sensor(t)
	s.Delete()
	if _, err := change(s); err == nil {
		t.Error("it answers")
	}
}

// Run by the tests below in a process of its own.
func TestInAnotherProcess(t *testing.T) {
	if os.Getenv("D4IOT_TEST_FAILS") == "" {
		t.Skip("it fails on purpose")
	}
	s := Sensor(t)
	if os.Getenv("D4IOT_TEST_FAILS") == "no trust" {
		stranger := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}}
		_, err := stranger.Get(s.URL)
		t.Fatal(err)
	}
	validate(t, s)
	s.Fail("commit_then_rest")
}

func another(t *testing.T, environment ...string) string {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run", "^TestInAnotherProcess$")
	command.Env = append(append(os.Environ(), "D4IOT_TEST_FAILS=1"), environment...)
	out, err := command.CombinedOutput()
	if err == nil {
		t.Fatal("it passes")
	}
	return string(out)
}

func TestAFailingTestLogsItsJournal(t *testing.T) {
	t.Parallel()
	out := another(t)
	for _, wanted := range []string{"did you mean `commit_then_reset`", `validation by "test" → authenticated`} {
		if !strings.Contains(out, wanted) {
			t.Errorf("no %s in:\n%s", wanted, out)
		}
	}
}

func TestAFailingTestWithoutARequestLogsWhy(t *testing.T) {
	t.Parallel()
	const notes = "notes of d4iot-double:\n"
	out := another(t, "D4IOT_TEST_FAILS=no trust", "D4IOT_DOUBLE_URL=")
	if _, rest, _ := strings.Cut(out, "requests: 0"); !strings.Contains(rest, notes) || !strings.Contains(rest, "the client does not trust the certificate") {
		t.Error(out)
	}
	if out := another(t); strings.Contains(out, notes) {
		t.Error(out)
	}
}

func TestTheLastNotesAreKept(t *testing.T) {
	t.Parallel()
	kept := readNotes(strings.NewReader("note: Ctrl-C stops the appliances\n" + strings.Repeat("old\n", 60) + "new\nlast"))
	<-kept.ended
	if kept.written() != 62 || len(kept.lines) != keptNotes {
		t.Error(kept.written(), len(kept.lines))
	}
	if got := kept.since(60); got != "\nnotes of d4iot-double:\n  new\n  last" {
		t.Error(got)
	}
	if got := strings.Count(kept.since(0), "\n  "); got != shownNotes {
		t.Error(got)
	}
}

func TestTheControlAPIIsAskedForWhatHasNoMethod(t *testing.T) {
	t.Parallel()
	s := Sensor(t)
	var made struct{ Name string }
	if err := s.control.send("GET", strings.TrimPrefix(s.ControlURL(), s.control.url), nil, &made, 0); err != nil || made.Name != s.Name {
		t.Error(err, made.Name)
	}
}

func TestALaterFixtureReplacesAKey(t *testing.T) {
	t.Parallel()
	users := func(name string) Fixture {
		return Fixture{"users": []map[string]string{{"username": name, "password": "Test12345!", "role": "read_only"}}}
	}
	s := Sensor(t, users("svc"), users("test"))
	if status := validate(t, s); status != http.StatusOK {
		t.Error(status)
	}
}

func TestATokenIsSent(t *testing.T) {
	t.Parallel()
	// The process that is started wants it, too.
	out := another(t, "D4IOT_DOUBLE_CONTROL_TOKEN=0123456789abcdef0123456789abcdef", "D4IOT_DOUBLE_URL=")
	if !strings.Contains(out, "did you mean `commit_then_reset`") {
		t.Error(out)
	}
}

func TestAMissingCommandIsNamed(t *testing.T) {
	t.Parallel()
	out := another(t, "D4IOT_DOUBLE_BIN=/nowhere", "D4IOT_DOUBLE_URL=")
	if !strings.Contains(out, "D4IOT_DOUBLE_BIN names no command that can be run: fork/exec /nowhere: no such file") {
		t.Error(out)
	}
	if out := another(t, "D4IOT_DOUBLE_BIN=", "PATH=", "D4IOT_DOUBLE_URL="); !strings.Contains(out, "D4IOT_DOUBLE_BIN can name the command") {
		t.Error(out)
	}
	if out := another(t, "D4IOT_DOUBLE_BIN=/bin/false", "D4IOT_DOUBLE_URL="); !strings.Contains(out, "/bin/false serve did not start") {
		t.Error(out)
	}
}

func TestAControlAPIThatRunsIsAsked(t *testing.T) {
	t.Parallel()
	out := another(t, "D4IOT_DOUBLE_BIN=/nowhere", "D4IOT_DOUBLE_URL=http://127.0.0.1:2")
	if !strings.Contains(out, "connection refused") || !strings.Contains(out, "D4IOT_DOUBLE_URL names does not answer") {
		t.Error(out)
	}
	api := Sensor(t).control
	for _, end := range []string{"", "/", "/v1", "/v1/"} {
		out := another(t, "D4IOT_DOUBLE_BIN=/nowhere", "D4IOT_DOUBLE_URL="+api.url+end)
		if !strings.Contains(out, "did you mean `commit_then_reset`") {
			t.Error(end, out)
		}
	}
}
