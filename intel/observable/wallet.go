package observable

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
)

// base58 is Bitcoin's alphabet.
const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// Lengths of what is recognised.
const (
	shortestBase58   = 26
	longestBase58    = 35
	moneroLength     = 95 // an address or subaddress
	moneroIntegrated = 106
	ethereumDigits   = 40
	longestBech32    = 90 // BIP 173
)

// walletVersions are the first bytes of addresses in base58check: Bitcoin and
// Bitcoin Cash, Litecoin, Dogecoin, Dash, Tron.
var walletVersions = [...]byte{0x00, 0x05, 0x30, 0x32, 0x1e, 0x16, 0x4c, 0x10, 0x41}

// appendWallet takes addresses of Bitcoin and its kin with a right checksum,
// and of Ethereum and Monero by their form: Ethereum's checksum is in the case
// of letters, which many do not keep.
func appendWallet(dst, text []byte) ([]byte, bool) {
	switch rest, ethereum := cutPrefixFold(text, "0x"); {
	case ethereum:
		return appendHex(append(dst, "0x"...), rest, ethereumDigits)
	case hasPrefixFold(text, "bc1") || hasPrefixFold(text, "ltc1"):
		return appendBech32(dst, text)
	case len(text) >= shortestBase58 && len(text) <= longestBase58:
		return append(dst, text...), isBase58Check(text)
	case len(text) == moneroLength || len(text) == moneroIntegrated:
		return append(dst, text...), isMonero(text)
	}
	return dst, false
}

func isMonero(text []byte) bool {
	if text[0] != '4' && text[0] != '8' {
		return false
	}
	for _, c := range text {
		if bytes.IndexByte([]byte(base58), c) < 0 {
			return false
		}
	}
	return bytes.IndexByte([]byte("123456789AB"), text[1]) >= 0
}

// decoded is how many bytes an address in base58check holds: version, hash of
// 20 bytes, checksum.
const decoded = 1 + 20 + 4

func isBase58Check(text []byte) bool {
	var number [decoded]byte
	for _, c := range text {
		digit := bytes.IndexByte([]byte(base58), c)
		if digit < 0 {
			return false
		}
		carry := digit
		for i := len(number) - 1; i >= 0; i-- {
			carry += int(number[i]) * 58
			number[i] = byte(carry)
			carry >>= 8
		}
		if carry != 0 {
			return false
		}
	}
	// Each zero byte in front is written as a 1, so an address has one spelling.
	zeros, ones := 0, 0
	for zeros < len(number) && number[zeros] == 0 {
		zeros++
	}
	for ones < len(text) && text[ones] == '1' {
		ones++
	}
	if zeros != ones || bytes.IndexByte(walletVersions[:], number[0]) < 0 {
		return false
	}
	sum := sha256.Sum256(number[:decoded-4])
	sum = sha256.Sum256(sum[:])
	return binary.BigEndian.Uint32(sum[:]) == binary.BigEndian.Uint32(number[decoded-4:])
}

// bech32 is the alphabet of BIP 173.
const bech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// appendBech32 takes a segregated witness address (BIP 173, BIP 350), in lower
// or upper case but not mixed.
func appendBech32(dst, text []byte) ([]byte, bool) {
	if len(text) > longestBech32 {
		return dst, false
	}
	start := len(dst)
	var upper, low bool
	for _, c := range text {
		if isLetter(c) {
			upper, low = upper || c < 'a', low || c >= 'a'
		}
		dst = append(dst, lower(c))
	}
	address := dst[start:]
	return dst, upper != low && isBech32(address)
}

func isBech32(address []byte) bool {
	one := bytes.IndexByte(address, '1')
	data := address[one+1:]
	if len(data) < 1+32+6 { // version, 20 bytes, checksum
		return false
	}
	sum := uint32(1)
	for _, c := range address[:one] {
		sum = bech32Step(sum, uint32(c>>5))
	}
	sum = bech32Step(sum, 0)
	for _, c := range address[:one] {
		sum = bech32Step(sum, uint32(c&31))
	}
	for _, c := range data {
		value := bytes.IndexByte([]byte(bech32), c)
		if value < 0 {
			return false
		}
		sum = bech32Step(sum, uint32(value))
	}
	if data[0] == bech32[0] { // version 0 is bech32, later ones bech32m
		return sum == 1
	}
	return sum == 0x2bc830a3
}

func bech32Step(sum, value uint32) uint32 {
	top := sum >> 25
	sum = (sum&0x1ffffff)<<5 ^ value
	for i, generator := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
		if top>>i&1 == 1 {
			sum ^= generator
		}
	}
	return sum
}
