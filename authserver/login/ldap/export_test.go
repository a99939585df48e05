package ldap

// FillDN is how a username becomes a DN.
var FillDN = fillDN
