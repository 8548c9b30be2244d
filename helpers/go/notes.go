package d4iottest

import (
	"bufio"
	"io"
	"strings"
	"sync"
	"time"
)

// notes are the last lines that a process wrote on its standard error.
type notes struct {
	mutex sync.Mutex
	lines []string
	// count is how many there were, those that are kept no longer included.
	count int
	ended chan struct{}
}

// The number of lines that are kept, and of those that a failing test shows.
const keptNotes, shownNotes = 50, 5

// noteTime is how long a failing test waits for the first note: the process writes it after the client has failed.
const noteTime = 300 * time.Millisecond

// readNotes reads lines until the stream ends.
func readNotes(stream io.Reader) *notes {
	made := &notes{ended: make(chan struct{})}
	go func() {
		defer close(made.ended)
		reader := bufio.NewReader(stream)
		for {
			line, err := reader.ReadString('\n')
			made.add(strings.TrimSpace(line))
			if err != nil {
				return
			}
		}
	}()
	return made
}

func (n *notes) add(line string) {
	// How to stop it is for people at a terminal.
	if line == "" || strings.Contains(line, "Ctrl-C") {
		return
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.count++
	n.lines = append(n.lines, line)
	if len(n.lines) > keptNotes {
		n.lines = n.lines[1:]
	}
}

// written returns how many lines there were until now.
func (n *notes) written() int {
	if n == nil {
		return 0
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.count
}

// since returns the last lines after that many, as text beneath a journal; it waits a moment for the first.
func (n *notes) since(count int) string {
	if n == nil {
		return ""
	}
	for end := time.Now().Add(noteTime); n.written() == count && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	last := n.lines[len(n.lines)-min(n.count-count, shownNotes, len(n.lines)):]
	if len(last) == 0 {
		return ""
	}
	return "\nnotes of d4iot-double:\n  " + strings.Join(last, "\n  ")
}
