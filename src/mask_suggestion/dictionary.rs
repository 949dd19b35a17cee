//! What the name of a column says, in English, German, French and Spanish.

/// What a column holds about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Email,
    Phone,
    FirstName,
    LastName,
    FullName,
    Login,
    Address,
    BirthDate,
    /// A number by which an authority or a firm knows somebody.
    Identifier,
    Iban,
    Card,
    Ip,
    Secret,
    FreeText,
    Income,
}

/// Words of a name, one after another.
type Words = &'static [&'static str];

const TOPICS: &[(Topic, &[Words])] = &[
    (
        Topic::Email,
        &[
            &["email"],
            &["e", "mail"],
            &["mail"],
            &["mailadresse"],
            &["emailadresse"],
            &["emailaddress"],
            &["courriel"],
            &["correo"],
        ],
    ),
    (
        Topic::Phone,
        &[
            &["phone"],
            &["telephone"],
            &["phonenumber"],
            &["tel"],
            &["mobile"],
            &["cell"],
            &["cellphone"],
            &["fax"],
            &["msisdn"],
            &["telefon"],
            &["telefonnummer"],
            &["handy"],
            &["handynummer"],
            &["mobil"],
            &["rufnummer"],
            &["portable"],
            &["telefono"],
            &["teléfono"],
            &["movil"],
            &["móvil"],
            &["celular"],
            &["téléphone"],
        ],
    ),
    (
        Topic::FirstName,
        &[
            &["first", "name"],
            &["firstname"],
            &["fname"],
            &["given", "name"],
            &["givenname"],
            &["forename"],
            &["middle", "name"],
            &["vorname"],
            &["prenom"],
            &["prénom"],
            &["primer", "nombre"],
        ],
    ),
    (
        Topic::LastName,
        &[
            &["last", "name"],
            &["lastname"],
            &["lname"],
            &["surname"],
            &["family", "name"],
            &["familyname"],
            &["maiden", "name"],
            &["nachname"],
            &["familienname"],
            &["geburtsname"],
            &["nom", "famille"],
            &["nom", "de", "famille"],
            &["apellido"],
            &["apellidos"],
        ],
    ),
    (
        Topic::FullName,
        &[
            &["full", "name"],
            &["fullname"],
            &["contact", "name"],
            &["customer", "name"],
            &["display", "name"],
            &["displayname"],
            &["holder"],
            &["card", "holder"],
            &["cardholder"],
            &["ansprechpartner"],
            &["kontoinhaber"],
            &["inhaber"],
            &["nom", "complet"],
            &["nombre", "completo"],
            &["titulaire"],
            &["titular"],
            &["beneficiary"],
            &["ship", "name"],
            &["recipient"],
            &["empfaenger"],
            &["destinataire"],
            &["destinatario"],
        ],
    ),
    (
        Topic::Login,
        &[
            &["username"],
            &["user", "name"],
            &["login"],
            &["nickname"],
            &["nick"],
            &["benutzername"],
            &["anmeldename"],
            &["identifiant"],
            &["pseudo"],
            &["usuario"],
            &["screen", "name"],
        ],
    ),
    (
        Topic::Address,
        &[
            &["address"],
            &["addr"],
            &["address1"],
            &["address2"],
            &["street"],
            &["adresse"],
            &["anschrift"],
            &["strasse"],
            &["straße"],
            &["hausnummer"],
            &["rue"],
            &["direccion"],
            &["dirección"],
            &["calle"],
            &["domicilio"],
            &["zip"],
            &["zipcode"],
            &["postcode"],
            &["postal", "code"],
            &["postalcode"],
            &["plz"],
            &["postleitzahl"],
            &["code", "postal"],
            &["codigo", "postal"],
        ],
    ),
    (
        Topic::BirthDate,
        &[
            &["birth"],
            &["birthday"],
            &["birthdate"],
            &["dob"],
            &["born"],
            &["geburtsdatum"],
            &["geburtstag"],
            &["geboren"],
            &["naissance"],
            &["nacimiento"],
            &["cumpleanos"],
        ],
    ),
    (
        Topic::Identifier,
        &[
            &["ssn"],
            &["social", "security"],
            &["tax", "id"],
            &["tax", "number"],
            &["vat", "id"],
            &["passport"],
            &["national", "id"],
            &["driver", "license"],
            &["license", "number"],
            &["steuernummer"],
            &["steuer", "id"],
            &["sozialversicherungsnummer"],
            &["svnr"],
            &["ausweis"],
            &["ausweisnummer"],
            &["reisepass"],
            &["personalausweis"],
            &["nir"],
            &["insee"],
            &["numero", "secu"],
            &["securite", "sociale"],
            &["passeport"],
            &["dni"],
            &["nif"],
            &["nie"],
            &["curp"],
            &["rfc"],
            &["pasaporte"],
            &["seguro", "social"],
            &["patient", "number"],
            &["nhs", "number"],
        ],
    ),
    (
        Topic::Iban,
        &[
            &["iban"],
            &["account", "number"],
            &["bank", "account"],
            &["kontonummer"],
            &["kontonr"],
            &["rib"],
            &["numero", "compte"],
            &["numero", "cuenta"],
            &["cuenta", "bancaria"],
        ],
    ),
    (
        Topic::Card,
        &[
            &["card", "number"],
            &["cardnumber"],
            &["credit", "card"],
            &["creditcard"],
            &["cc", "number"],
            &["pan"],
            &["kreditkarte"],
            &["kreditkartennummer"],
            &["kartennummer"],
            &["carte", "bancaire"],
            &["numero", "carte"],
            &["tarjeta"],
            &["numero", "tarjeta"],
        ],
    ),
    (Topic::Ip, &[&["ip"], &["ipaddress"], &["ipaddr"], &["remote", "addr"], &["ip", "adresse"]]),
    (
        Topic::Secret,
        &[
            &["password"],
            &["passwd"],
            &["pwd"],
            &["passwort"],
            &["kennwort"],
            &["mot", "de", "passe"],
            &["motdepasse"],
            &["contrasena"],
            &["contraseña"],
            &["secret"],
            &["api", "key"],
            &["token"],
            &["pin"],
        ],
    ),
    (
        Topic::FreeText,
        &[
            &["note"],
            &["notes"],
            &["comment"],
            &["comments"],
            &["remark"],
            &["remarks"],
            &["bio"],
            &["diagnosis"],
            &["bemerkung"],
            &["bemerkungen"],
            &["notiz"],
            &["notizen"],
            &["kommentar"],
            &["diagnose"],
            &["remarque"],
            &["remarques"],
            &["commentaire"],
            &["nota"],
            &["notas"],
            &["comentario"],
            &["comentarios"],
            &["observaciones"],
        ],
    ),
    (
        Topic::Income,
        &[
            &["salary"],
            &["income"],
            &["wage"],
            &["gehalt"],
            &["lohn"],
            &["einkommen"],
            &["salaire"],
            &["revenu"],
            &["salario"],
            &["sueldo"],
            &["ingresos"],
        ],
    ),
];

/// Words of a name that says something about a value, and does not hold it: `email_verified`, `phone_type`.
const ABOUT: &[&str] = &[
    "id",
    "type",
    "typ",
    "kind",
    "status",
    "state",
    "count",
    "verified",
    "confirmed",
    "enabled",
    "at",
    "on",
    "sent",
    "template",
    "subject",
    "format",
    "flag",
    "is",
    "has",
    "art",
    "anzahl",
    "tipo",
    "estado",
    "nombre_de",
    "valid",
    "lang",
    "language",
    "expires",
    "expiry",
    "brand",
    "version",
    "policy",
    "hash_algorithm",
    "opt",
];

/// Tables of people: there, `name` is a person's.
const PEOPLE: &[&str] = &[
    "user",
    "customer",
    "client",
    "person",
    "people",
    "employee",
    "staff",
    "contact",
    "patient",
    "member",
    "student",
    "teacher",
    "author",
    "doctor",
    "guest",
    "passenger",
    "driver",
    "owner",
    "tenant",
    "lead",
    "subscriber",
    "kunde",
    "kunden",
    "mitarbeiter",
    "benutzer",
    "personal",
    "patienten",
    "mitglied",
    "mitglieder",
    "ansprechpartner",
    "personne",
    "employe",
    "salarie",
    "adherent",
    "utilisateur",
    "cliente",
    "empleado",
    "usuario",
    "persona",
    "paciente",
    "socio",
    "miembro",
    "alumno",
    "kontakt",
];

/// Names of a person, where the table is one of people.
const NAMES: &[&str] = &["name", "nom", "nombre"];

/// What a column of this name in this table holds, if its name says so.
pub(super) fn topic(table: &str, column: &str) -> Option<Topic> {
    let words = words(column);
    if words.iter().any(|word| ABOUT.contains(&word.as_str())) && !is_identifier(&words) {
        return None;
    }
    let named = TOPICS.iter().find(|(_, names)| names.iter().any(|name| holds(&words, name)));
    let person = || {
        let is_name = words.len() == 1 && NAMES.contains(&words[0].as_str());
        let of_people = self::words(table).iter().any(|word| is_of_people(word));
        (is_name && of_people).then_some(Topic::FullName)
    };
    named.map(|(topic, _)| *topic).or_else(person)
}

/// `tax_id` is no id of a row.
fn is_identifier(words: &[String]) -> bool {
    let identifiers = TOPICS.iter().filter(|(topic, _)| *topic == Topic::Identifier);
    identifiers.flat_map(|(_, names)| *names).any(|name| holds(words, name))
}

fn is_of_people(word: &str) -> bool {
    let one = |word: &str| PEOPLE.contains(&word);
    one(word) || word.strip_suffix('s').is_some_and(one) || word.strip_suffix("es").is_some_and(one)
}

/// Whether the words of `name` stand in `words` one after another.
fn holds(words: &[String], name: Words) -> bool {
    words.windows(name.len()).any(|some| some.iter().zip(name).all(|(one, other)| one == other))
}

/// `shippingEmail_2` as shipping, email; digits end a word.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let begins = !c.is_alphanumeric() || c.is_uppercase() && before.is_lowercase();
        if begins {
            words.push(String::new());
        }
        if c.is_alphabetic() || c.is_ascii_digit() && before.is_alphabetic() {
            words.last_mut().into_iter().for_each(|word| word.extend(c.to_lowercase()));
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_column_holds() {
        let cases = [
            ("users", "email", Some(Topic::Email)),
            ("users", "EMail", Some(Topic::Email)),
            ("users", "billingEmail", Some(Topic::Email)),
            ("users", "email_verified", None),
            ("users", "email_count", None),
            ("users", "name", Some(Topic::FullName)),
            ("products", "name", None),
            ("kunden", "name", Some(Topic::FullName)),
            ("clients", "nom", Some(Topic::FullName)),
            ("empleados", "nombre", Some(Topic::FullName)),
            ("users", "first_name", Some(Topic::FirstName)),
            ("x", "Vorname", Some(Topic::FirstName)),
            ("x", "phone_type", None),
            ("x", "tax_id", Some(Topic::Identifier)),
            ("x", "user_id", None),
            ("x", "ip", Some(Topic::Ip)),
            ("x", "description", None),
            ("x", "zip", Some(Topic::Address)),
            ("x", "recipe", None),
            ("x", "mot_de_passe", Some(Topic::Secret)),
            ("x", "fecha_nacimiento", Some(Topic::BirthDate)),
        ];
        for (table, column, expected) in cases {
            assert_eq!(topic(table, column), expected, "{table}.{column}");
        }
    }
}
