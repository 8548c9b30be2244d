package d4iottest

import (
	"fmt"
	"net/url"
	"strings"
)

// A Filter chooses entries of a journal. Its zero value chooses all.
type Filter struct {
	// Operation is validation, set_password or set_password_by_admin.
	Operation string
	// Outcome is what the client was told, Judged what the appliance came to: password_replaced and so on.
	Outcome, Judged string
	// State is open, done, cut or left.
	State string
	// Failure is the failure mode that changed the answer.
	Failure string
	// User is whom the request is about, Path the request's path.
	User, Path string
}

func (f Filter) values() url.Values {
	values := url.Values{}
	for key, value := range map[string]string{
		"operation": f.Operation, "outcome": f.Outcome, "judged": f.Judged, "state": f.State,
		"failure": f.Failure, "user": f.User, "path": f.Path,
	} {
		if value != "" {
			values.Set(key, value)
		}
	}
	return values
}

// An Entry of a journal is a request without passwords, what was made of it, and what was answered.
type Entry struct {
	Number     int               `json:"number"`
	State      string            `json:"state"`
	AtMs       float64           `json:"at_ms"`
	Time       string            `json:"time"`
	Source     string            `json:"source"`
	Connection int               `json:"connection"`
	Operation  string            `json:"operation"` // empty if it met none
	Outcome    string            `json:"outcome"`   // empty if a failure mode sent something else
	Judged     string            `json:"judged"`
	Reason     string            `json:"reason"`
	User       string            `json:"user"`
	Failure    string            `json:"failure"`
	// ConnectionFailure is the failure mode of the connection, whose certificate and TLS the client has accepted.
	ConnectionFailure string `json:"connection_failure"`
	Changed    bool              `json:"changed"`
	Status     int               `json:"status"` // 0 if there was none
	Answer     string            `json:"answer"`
	TookMs     float64           `json:"took_ms"`
	Request    Request           `json:"request"`
	Passwords  map[string]string `json:"fingerprints"` // equal passwords have equal fingerprints
	Findings   []Finding         `json:"findings"`
	Suggestion string            `json:"suggestion"`
}

// A Request is what a client sent.
type Request struct {
	Method    string      `json:"method"`
	Version   string      `json:"version"`
	Target    string      `json:"target"`
	Headers   [][2]string `json:"headers"`
	Body      string      `json:"body"`
	BodyBytes int         `json:"body_bytes"`
	BodyCut   bool        `json:"body_cut"`
}

// A Finding is a mistake of the client, and what to do about it.
type Finding struct {
	Name   string `json:"name"`
	Advice string `json:"advice"`
}

func (e Entry) text() string {
	text := &strings.Builder{}
	asked := e.Operation
	if asked == "" {
		asked = e.Request.Method + " " + e.Request.Target
	}
	fmt.Fprintf(text, "\n  %d  %s", e.Number, asked)
	if e.User != "" {
		fmt.Fprintf(text, " by %q", e.User)
	}
	fmt.Fprintf(text, " → %s: %s", e.Judged, e.Reason)
	if e.Failure != "" {
		fmt.Fprintf(text, "; under failure mode %s", e.Failure)
	}
	told := "no status"
	if e.Status != 0 {
		told = fmt.Sprint(e.Status)
	}
	fmt.Fprintf(text, "\n     answer: %s, %s", told, e.State)
	if e.Suggestion != "" {
		fmt.Fprintf(text, "\n     hint: %s", e.Suggestion)
	}
	return text.String()
}
