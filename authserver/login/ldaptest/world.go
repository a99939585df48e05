package ldaptest

// What every server begins with.
const (
	Base   = "dc=example,dc=org"
	People = "ou=people," + Base
	Groups = "ou=groups," + Base

	// Reader may read people and groups, and no passwords.
	Reader         = "cn=reader," + Base
	ReaderPassword = "reader-secret"

	// Password is everybody's.
	Password = "Ch4ng31t"

	// DemoUUID is the entryUUID of demo, who is in the groups admins and staff.
	DemoUUID = "11111111-1111-4111-8111-111111111111"

	admin         = "cn=admin," + Base
	adminPassword = "admin-secret"
)

// configuration is slapd.conf; %[1]s is the server's directory.
const configuration = `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
moduleload memberof
pidfile %[1]s/pid
argsfile %[1]s/args
TLSCACertificateFile %[1]s/ca.pem
TLSCertificateFile %[1]s/server.pem
TLSCertificateKeyFile %[1]s/server.key
threads 4
database mdb
maxsize 33554432
suffix "` + Base + `"
rootdn "` + admin + `"
rootpw ` + adminPassword + `
directory %[1]s/data
dbnosync
index objectClass,entryUUID,uid,member eq
access to attrs=userPassword
	by anonymous auth
	by * none
access to dn.subtree="` + Base + `"
	by dn.exact="` + Reader + `" read
	by * none
overlay ppolicy
ppolicy_default "cn=policy,` + Base + `"
ppolicy_use_lockout
overlay memberof
`

// content is what slapadd reads.
const content = `
dn: ` + Base + `
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: cn=reader,` + Base + `
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: ` + ReaderPassword + `

dn: cn=policy,` + Base + `
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 5
pwdFailureCountInterval: 300
pwdMustChange: TRUE

dn: ` + People + `
objectClass: organizationalUnit
ou: people

dn: ` + Groups + `
objectClass: organizationalUnit
ou: groups

dn: uid=demo,` + People + `
objectClass: inetOrgPerson
uid: demo
cn: Demo User
sn: User
mail: demo@example.org
mail: demo.user@example.org
telephoneNumber: +47 22 22 22 22
postalAddress: Storgata 1$0155 Oslo
employeeType: staff
userPassword: ` + Password + `
entryUUID: ` + DemoUUID + `

dn: uid=alice,` + People + `
objectClass: inetOrgPerson
uid: alice
cn: Alice
sn: Alice
mail: alice@example.org
userPassword: ` + Password + `

dn: uid=bob,` + People + `
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: Bob
employeeType: gone
userPassword: ` + Password + `

dn: uid=twin,` + People + `
objectClass: inetOrgPerson
uid: twin
uid: double
cn: Twin
sn: Twin
userPassword: ` + Password + `

dn: uid=twain,` + People + `
objectClass: inetOrgPerson
uid: twain
uid: double
cn: Twain
sn: Twain
userPassword: ` + Password + `

dn: cn=No Password,` + People + `
objectClass: inetOrgPerson
uid: nopassword
cn: No Password
sn: Password

dn: uid=elsewhere,` + People + `
objectClass: referral
objectClass: extensibleObject
uid: elsewhere
ref: ldap://ldap.elsewhere.example/uid=elsewhere,` + People + `
`

// memberships are added to the running server, for the memberOf of people.
const memberships = `
dn: cn=admins,` + Groups + `
changetype: add
objectClass: groupOfNames
cn: admins
member: uid=demo,` + People + `

dn: cn=staff,` + Groups + `
changetype: add
objectClass: groupOfNames
cn: staff
member: uid=demo,` + People + `
member: uid=alice,` + People + `
`
