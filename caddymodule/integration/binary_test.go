package integration

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	// What the binary is built of: without it the go command would take results
	// of an older binary from its cache.
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	_ "github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// repository is the root of the checkout.
const repository = "../.."

// startTimeout bounds how long the binary may take to serve, slow machines and
// the race detector included.
const startTimeout = 60 * time.Second

var buildBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "caddy-oauth2-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "caddy")
	args := append([]string{"build"}, raceFlags...)
	args = append(args, "-tags", "nobadger,nomysql,nopgx", "-o", path, "./cmd/caddy")
	build := exec.Command("go", args...)
	build.Dir = repository
	build.Env = append(os.Environ(), cgo)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	if path, err := buildBinary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// process is a running caddy binary.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// start runs the binary with a Caddyfile, with home as its HOME and data
// directory and env in its environment, and waits until it serves. It is stopped
// when the test ends.
func start(t *testing.T, caddyfile, home string, env ...string) *process {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(path, []byte(caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, done: make(chan struct{})}
	p.cmd = command(t, home, "run", "--adapter", "caddyfile", "--config", path)
	p.cmd.Env = append(p.cmd.Env, env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan struct{})
	go p.read(bufio.NewReader(stderr), serving)
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("log of the binary:\n%s", p.output())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	select {
	case <-serving:
	case <-p.done:
		t.Fatalf("the binary ended by itself:\n%s", p.output())
	case <-ctx.Done():
		t.Fatalf("the binary does not serve after %v:\n%s", startTimeout, p.output())
	}
	return p
}

// command is the binary with arguments, in the repository, with nothing of the
// tester's environment but PATH.
func command(t *testing.T, home string, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir = repository
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_DATA_HOME=" + home, "XDG_CONFIG_HOME=" + home, "GORACE=halt_on_error=1"}
	return cmd
}

// read collects the log and closes serving at the line that Caddy writes when
// the configuration runs.
func (p *process) read(r *bufio.Reader, serving chan<- struct{}) {
	defer close(p.done)
	for {
		line, err := r.ReadString('\n')
		p.mu.Lock()
		p.log.WriteString(line)
		p.mu.Unlock()
		if serving != nil && strings.Contains(line, "serving initial configuration") {
			close(serving)
			serving = nil
		}
		if err != nil {
			_ = p.cmd.Wait()
			return
		}
	}
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// stop ends the binary as an operator would and fails the test when it raced.
func (p *process) stop() {
	select {
	case <-p.done:
		return
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	select {
	case <-p.done:
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-p.done
		p.t.Errorf("the binary did not stop within %v", startTimeout)
	}
	if strings.Contains(p.output(), "DATA RACE") {
		p.t.Error("the binary has a data race")
	}
}

// freePorts finds n ports on loopback that nobody listens on.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// world is the shipped example, moved to free ports, with one API more that
// takes tokens of realm /customers only.
type world struct {
	*process
	caddyfile, home           string
	auth, api, customersAPI   string
	adminAddress, authAddress string
}

// startExample runs Caddyfile.example. Only its ports differ from the file.
func startExample(t *testing.T) *world {
	t.Helper()
	shipped, err := os.ReadFile(filepath.Join(repository, "Caddyfile.example"))
	if err != nil {
		t.Fatal(err)
	}
	ports := freePorts(t, 5)
	text := string(shipped)
	for i, port := range []string{"localhost:8080", "localhost:8081", "localhost:8082"} {
		text = strings.ReplaceAll(text, port, fmt.Sprintf("localhost:%d", ports[i]))
	}
	w := &world{
		home:         t.TempDir(),
		auth:         fmt.Sprintf("http://localhost:%d", ports[0]),
		api:          fmt.Sprintf("http://localhost:%d", ports[1]),
		customersAPI: fmt.Sprintf("http://localhost:%d", ports[3]),
		adminAddress: fmt.Sprintf("localhost:%d", ports[4]),
		authAddress:  fmt.Sprintf("localhost:%d", ports[0]),
	}
	text = strings.Replace(text, "\tdefault_bind", "\tadmin "+w.adminAddress+"\n\tdefault_bind", 1)
	w.caddyfile = text + fmt.Sprintf(`
%s {
	bearer_auth {
		realm /customers
		audience %s
	}
	reverse_proxy localhost:%d
}
`, w.customersAPI, w.api, ports[2])
	w.process = start(t, w.caddyfile, w.home)
	return w
}

// restart stops the binary and starts it again on the same data, for as long as
// the test that made the world runs.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.process = start(w.t, w.caddyfile, w.home)
}
