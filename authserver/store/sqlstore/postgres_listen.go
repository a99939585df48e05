package sqlstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// channel is where the trigger on meta speaks (schema/postgres).
	channel = "caddy_oauth2"
	// hush is how long a listener keeps quiet after it has told of a change, so
	// that many in a row are read together.
	hush = 50 * time.Millisecond
	// relisten is how long one that has lost its connection waits for the next.
	relisten = time.Second
	// sign is how often a connection that is silent has to give a sign of life.
	sign = 30 * time.Second
)

// listener hears that another node has written to a log. It only shortens the
// wait of those who read every second: nothing is lost while it is not there.
type listener struct {
	config  *pgx.ConnConfig
	changes chan struct{}
	stop    context.CancelFunc
	over    chan struct{}
}

func listen(config *pgx.ConnConfig) *listener {
	ctx, stop := context.WithCancel(context.Background())
	l := &listener{config: config, changes: make(chan struct{}, 1), stop: stop, over: make(chan struct{})}
	go l.run(ctx)
	return l
}

func (l *listener) close() {
	l.stop()
	<-l.over
}

func (l *listener) run(ctx context.Context) {
	defer close(l.over)
	for ctx.Err() == nil {
		if conn, err := l.connect(ctx); err == nil {
			l.hear(ctx, conn)
			l.hangUp(conn)
		}
		pause(ctx, relisten)
	}
}

func (l *listener) connect(ctx context.Context) (*pgx.Conn, error) {
	config := l.config.Copy()
	setUp(&config.Config)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		l.hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// hear tells of each notification until the connection is lost.
func (l *listener) hear(ctx context.Context, conn *pgx.Conn) {
	l.tell() // what was said before we listened
	for {
		waiting, cancel := context.WithTimeout(ctx, sign)
		_, err := conn.WaitForNotification(waiting)
		cancel()
		switch {
		case err == nil:
			l.tell()
			pause(ctx, hush)
		case ctx.Err() != nil:
			return
		case !pgconn.Timeout(err) || !alive(ctx, conn):
			return
		}
	}
}

func alive(ctx context.Context, conn *pgx.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return conn.Ping(ctx) == nil
}

// tell leaves a sign for whoever reads, unless there is one already.
func (l *listener) tell() {
	select {
	case l.changes <- struct{}{}:
	default:
	}
}

func (l *listener) hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}

// pause waits, but not beyond the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
