package introspect

import (
	"encoding/binary"
	"testing"
	"time"
)

func numbered(n int) (digest [32]byte) {
	binary.BigEndian.PutUint64(digest[:], uint64(n))
	return digest
}

func TestRS30_RefusalsAreBoundedAndAFloodDoesNotFlushThoseInUse(t *testing.T) {
	remembered := newRefused(time.Hour)
	if remembered.ttl != maxRefusedFor {
		t.Errorf("a refusal is kept for %s", remembered.ttl)
	}
	now := time.Unix(1e9, 0)
	inUse := numbered(-1)
	remembered.add(inUse, ReasonInactive, now)
	for n := range 50_000 {
		remembered.add(numbered(n), ReasonInactive, now)
		if kept := len(remembered.reasons.young) + len(remembered.reasons.old); kept > maxRefused {
			t.Fatalf("%d refusals are kept", kept)
		}
		if n%1000 != 0 {
			continue
		}
		if reason, there := remembered.reason(inUse, now); !there || reason != ReasonInactive {
			t.Fatalf("after %d others, the one that is asked for again and again is forgotten", n)
		}
	}
	if _, there := remembered.reason(numbered(49_999), now); !there {
		t.Error("the newest one is forgotten")
	}
	if _, there := remembered.reason(numbered(0), now); there {
		t.Error("the oldest one is still there")
	}
	// However often it is asked for, it is kept no longer than its time.
	if _, there := remembered.reason(inUse, now.Add(maxRefusedFor)); there {
		t.Error("a refusal outlives its time")
	}
}

func TestGenerationsDropAndExpire(t *testing.T) {
	g := newGenerations[int](2)
	now := time.Unix(1e9, 0)
	for n := range 3 { // 0 and 1 are old by now
		g.put(numbered(n), n, now.Add(time.Minute))
	}
	for n := range 3 {
		if value, there := g.get(numbered(n), now); !there || value != n {
			t.Errorf("%d: %d, %v", n, value, there)
		}
	}
	g.drop(numbered(1))
	if _, there := g.get(numbered(1), now); there {
		t.Error("a dropped entry is there")
	}
	if _, there := g.get(numbered(2), now.Add(time.Minute)); there {
		t.Error("an expired entry is there")
	}
}
