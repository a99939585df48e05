// Package outbound is how other sites are reached: by a client that connects only
// where the configuration lets it, follows nobody elsewhere, and says what went
// wrong in our own words.
//
// It owns the judgement of addresses and of endpoints, the HTTP client, and the
// bounds of an answer. What is asked, what an answer means and how often to ask belong to others. It is a
// leaf, so that both roles can use it.
package outbound
