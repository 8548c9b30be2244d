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
}

// shared returns the control API of this process. It starts one at the first call, unless there is one.
var shared = sync.OnceValues(func() (*control, error) {
	token, err := controlToken()
	if err != nil {
		return nil, err
	}
	url := os.Getenv("D4IOT_DOUBLE_URL")
	if url == "" {
		if url, err = serve(); err != nil {
			return nil, err
		}
	}
	made := &control{url: strings.TrimRight(url, "/"), token: token, client: http.Client{Transport: &http.Transport{}}}
	made.ca, err = made.certificate()
	return made, err
})

// process is kept, since its standard input is closed where nothing refers to it, and it then ends.
var process *exec.Cmd

// serve starts a process that ends with this one, and returns the URL of its control API.
func serve() (string, error) {
	binary := os.Getenv("D4IOT_DOUBLE_BIN")
	if binary == "" {
		binary = "d4iot-double"
	}
	errors := &bytes.Buffer{}
	command := exec.Command(binary, "serve", "--no-appliances", "--control", "127.0.0.1:0", "--exit-with-stdin", "--quiet")
	command.Stderr = errors
	// It ends when this pipe is closed, as it is when this process ends.
	if _, err := command.StdinPipe(); err != nil {
		return "", err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", fmt.Errorf("%w; D4IOT_DOUBLE_BIN can name the command", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ready := strings.CutPrefix(strings.TrimSpace(line), "ready control ")
	if err != nil || !ready {
		_ = command.Process.Kill()
		_ = command.Wait()
		return "", fmt.Errorf("%s serve did not start: %s%s", binary, line, strings.TrimSpace(errors.String()))
	}
	process = command
	return url, nil
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
