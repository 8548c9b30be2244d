package d4iottest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// An Error is the control API's refusal of a request (RFC 9457).
type Error struct {
	Status int
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Hint   string `json:"hint"`
}

func (e *Error) Error() string {
	text := fmt.Sprintf("status %d: %s: %s", e.Status, e.Title, e.Detail)
	if e.Hint != "" {
		text += "\nhint: " + e.Hint
	}
	return text
}

// A control is the control API at a URL. It asks no proxy.
type control struct {
	url, token, ca string
	client         http.Client
	notes          *notes // nil where the process is somebody else's
}

// shared returns the control API of this process. It starts one at the first call, unless there is one.
var shared = sync.OnceValues(func() (*control, error) {
	token, err := controlToken()
	if err != nil {
		return nil, err
	}
	made := &control{token: token, client: http.Client{Transport: &http.Transport{}}}
	if url := os.Getenv("D4IOT_DOUBLE_URL"); url != "" {
		url = strings.TrimRight(url, "/")
		made.url = strings.TrimRight(strings.TrimSuffix(url, "/v1"), "/")
		if made.ca, err = made.certificate(); err != nil {
			return nil, fmt.Errorf("the control API that D4IOT_DOUBLE_URL names does not answer: %w", err)
		}
		return made, nil
	}
	if made.url, made.notes, err = serve(); err != nil {
		return nil, err
	}
	made.ca, err = made.certificate()
	return made, err
})

// process is kept, since its standard input is closed where nothing refers to it, and it then ends.
var process *exec.Cmd

// serve starts a process that ends with this one, and returns the URL of its control API, and its notes.
func serve() (string, *notes, error) {
	named := os.Getenv("D4IOT_DOUBLE_BIN")
	binary := named
	if binary == "" {
		binary = "d4iot-double"
	}
	command := exec.Command(binary, "serve", "--no-appliances", "--control", "127.0.0.1:0", "--exit-with-stdin")
	// It ends when this pipe is closed, as it is when this process ends.
	if _, err := command.StdinPipe(); err != nil {
		return "", nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	errors, err := command.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := command.Start(); err != nil {
		if named != "" {
			return "", nil, fmt.Errorf("D4IOT_DOUBLE_BIN names no command that can be run: %w", err)
		}
		return "", nil, fmt.Errorf("%w; D4IOT_DOUBLE_BIN can name the command", err)
	}
	said := readNotes(errors)
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ready := strings.CutPrefix(strings.TrimSpace(line), "ready control ")
	if err != nil || !ready {
		_ = command.Process.Kill()
		<-said.ended
		_ = command.Wait()
		return "", nil, fmt.Errorf("%s serve did not start: %s%s", binary, line, strings.Join(said.lines, "\n"))
	}
	process = command
	return url, said, nil
}

// controlToken returns the token of the control API, from the variables that `serve` reads too.
func controlToken() (string, error) {
	file := os.Getenv("D4IOT_DOUBLE_CONTROL_TOKEN_FILE")
	if file == "" {
		return os.Getenv("D4IOT_DOUBLE_CONTROL_TOKEN"), nil
	}
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}

// certificate returns the CA certificate; empty if appliances are served without TLS.
func (c *control) certificate() (string, error) {
	answer, err := c.client.Get(c.url + "/v1/ca.pem")
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return "", err
	}
	return string(text), err
}

// send sends one request, and reads the JSON of its answer into answer unless that is nil.
func (c *control) send(method, path string, body, answer any, wait time.Duration) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, c.url+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	client := c.client
	client.Timeout = 30*time.Second + wait
	got, err := client.Do(request)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return err
	}
	if got.StatusCode >= 300 {
		refused := &Error{Status: got.StatusCode}
		_ = json.Unmarshal(text, refused) // a proxy's page has no members
		return refused
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}
