package token_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

func BenchmarkMintAccess(b *testing.B) {
	m := newMinter()
	for _, format := range formats {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mintAccess(b, m, userAccess(), format)
			}
		})
	}
}

func BenchmarkOpenAccess(b *testing.B) {
	m := newMinter()
	for _, format := range formats {
		text, _ := mintAccess(b, m, userAccess(), format)
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.OpenAccess(text, start); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRefresh(b *testing.B) {
	m := newMinter()
	b.Run("mint", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mintRefresh(b, m, 7)
		}
	})
	text := mintRefresh(b, m, 7)
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.OpenRefresh(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	forged := oauth.NewSecret(text.Reveal()[:100] + "AAA")
	b.Run("forged", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.OpenRefresh(forged); err == nil {
				b.Fatal("opened")
			}
		}
	})
}

func BenchmarkMintID(b *testing.B) {
	m := newMinter()
	for _, algorithm := range algorithms {
		b.Run(algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mintID(b, m, idToken(), algorithm)
			}
		})
	}
}

func BenchmarkRevoked(b *testing.B) {
	st := newLogStore()
	r := token.NewRevocations(st)
	for i := range 100_000 {
		if err := r.RevokeToken(context.Background(), "/", fmt.Sprint(i), start.Add(time.Hour), start); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r.Revoked("/", token.Lineage{ID: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", GrantID: grantID}) {
				b.Error("revoked")
			}
		}
	})
}
