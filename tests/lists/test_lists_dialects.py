"""The header rows of real exports, and of lists in two dozen languages: what each column becomes, and which comes first."""

from __future__ import annotations

import pytest

from guestlist.lists.mapping import map_columns

EXPORTS: dict[str, tuple[str, dict[str, str]]] = {
    "Shopify customers": (
        """Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Address1,
        Default Address Address2,Default Address City,Default Address Province Code,Default Address Country Code,
        Default Address Zip,Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,
        Tags""",
        {"EMAIL": "Email", "PHONE": "Phone|Default Address Phone", "FN": "First Name", "LN": "Last Name",
         "CT": "Default Address City", "ST": "Default Address Province Code", "ZIP": "Default Address Zip",
         "COUNTRY": "Default Address Country Code"},
    ),
    "Shopify orders": (
        """Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,
        Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,
        Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,
        Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,
        Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,
        Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,Shipping Province,
        Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,Payment Method,Payment Reference,
        Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,Source,Phone,
        Receipt Number""",
        {"EMAIL": "Email", "PHONE": "Phone|Billing Phone|Shipping Phone", "CT": "Billing City|Shipping City",
         "ST": "Billing Province|Shipping Province", "ZIP": "Billing Zip|Shipping Zip",
         "COUNTRY": "Billing Country|Shipping Country", "FULL_NAME": "Name"},
    ),
    "HubSpot": (
        """Record ID - Contact,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Contact owner,Lead Status,
        Marketing contact status,Create Date,Last Activity Date,Associated Company,City,State/Region,Postal Code,
        Country/Region,Date of birth,Gender,WhatsApp Phone Number""",
        {"EMAIL": "Email", "PHONE": "Mobile Phone Number|WhatsApp Phone Number|Phone Number", "GEN": "Gender",
         "FN": "First Name", "LN": "Last Name", "CT": "City", "ST": "State/Region", "ZIP": "Postal Code",
         "COUNTRY": "Country/Region", "DOB": "Date of birth"},
    ),
    "Salesforce API": (
        """Id,FirstName,LastName,Salutation,Email,Phone,MobilePhone,HomePhone,OtherPhone,Fax,MailingStreet,MailingCity,
        MailingState,MailingPostalCode,MailingCountry,OtherCity,OtherCountry,Birthdate,AccountId,OwnerId,Title,
        LeadSource,HasOptedOutOfEmail,DoNotCall,AssistantPhone,EmailBouncedDate""",
        {"EMAIL": "Email", "PHONE": "MobilePhone|Phone|HomePhone|OtherPhone", "FN": "FirstName", "LN": "LastName",
         "CT": "MailingCity|OtherCity", "ST": "MailingState", "ZIP": "MailingPostalCode",
         "COUNTRY": "MailingCountry|OtherCountry", "DOB": "Birthdate"},
    ),
    "Salesforce report": (
        """Salutation,First Name,Last Name,Title,Account Name,Mailing Street,Mailing City,Mailing State/Province,
        Mailing Zip/Postal Code,Mailing Country,Phone,Fax,Mobile,Email,Account Owner""",
        {"EMAIL": "Email", "PHONE": "Mobile|Phone", "FN": "First Name", "LN": "Last Name", "CT": "Mailing City",
         "ST": "Mailing State/Province", "ZIP": "Mailing Zip/Postal Code", "COUNTRY": "Mailing Country"},
    ),
    "Mailchimp": (
        """Email Address,First Name,Last Name,Address,Phone Number,Birthday,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,
        CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS""",
        {"EMAIL": "Email Address", "PHONE": "Phone Number", "FN": "First Name", "LN": "Last Name", "DOB": "Birthday"},
    ),
    "WooCommerce customers": (
        "Name,Username,Last active,Sign up,Email,Orders,Total spend,AOV,Country / Region,City,Region,Postal code",
        {"EMAIL": "Email", "CT": "City", "ZIP": "Postal code", "COUNTRY": "Country / Region", "FULL_NAME": "Name"},
    ),
    "WooCommerce orders": (
        """order_id,order_number,date,status,customer_id,billing_first_name,billing_last_name,billing_company,
        billing_email,billing_phone,billing_address_1,billing_address_2,billing_postcode,billing_city,billing_state,
        billing_country,shipping_first_name,shipping_last_name,shipping_address_1,shipping_postcode,shipping_city,
        shipping_state,shipping_country,customer_note""",
        {"EMAIL": "billing_email", "PHONE": "billing_phone", "FN": "billing_first_name|shipping_first_name",
         "LN": "billing_last_name|shipping_last_name", "CT": "billing_city|shipping_city",
         "ST": "billing_state|shipping_state", "ZIP": "billing_postcode|shipping_postcode",
         "COUNTRY": "billing_country|shipping_country"},
    ),
    "Klaviyo": (
        """Email,Klaviyo ID,First Name,Last Name,Organization,Title,Phone Number,Address,Address 2,City,State / Region,
        Country,Zip Code,Latitude,Longitude,Source,IP Address,Email Marketing Consent,Email Marketing Consent Timestamp,
        SMS Marketing Consent,SMS Marketing Consent Timestamp,Date Added,Last Active,Profile Created On""",
        {"EMAIL": "Email", "PHONE": "Phone Number", "FN": "First Name", "LN": "Last Name", "CT": "City",
         "ST": "State / Region", "ZIP": "Zip Code", "COUNTRY": "Country"},
    ),
    "Meta template": (
        "email,email,email,phone,phone,phone,madid,fn,ln,zip,ct,st,country,dob,doby,gen,age,uid,value",
        {"EMAIL": "email|email|email", "PHONE": "phone|phone|phone", "GEN": "gen", "DOBY": "doby", "FN": "fn",
         "LN": "ln", "CT": "ct", "ST": "st", "ZIP": "zip", "COUNTRY": "country", "DOB": "dob"},
    ),
    "Google Contacts": (
        """First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Name Prefix,
        Name Suffix,Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,Photo,
        Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,
        Phone 2 - Label,Phone 2 - Value,Address 1 - Label,Address 1 - Formatted,Address 1 - Street,Address 1 - City,
        Address 1 - PO Box,Address 1 - Region,Address 1 - Postal Code,Address 1 - Country,Website 1 - Label,
        Website 1 - Value""",
        {"EMAIL": "E-mail 1 - Value|E-mail 2 - Value", "PHONE": "Phone 1 - Value|Phone 2 - Value", "FN": "First Name",
         "LN": "Last Name", "CT": "Address 1 - City", "ZIP": "Address 1 - Postal Code", "COUNTRY": "Address 1 - Country",
         "DOB": "Birthday"},
    ),
    "Google Contacts old": (
        """Name,Given Name,Additional Name,Family Name,Yomi Name,Given Name Yomi,Additional Name Yomi,Family Name Yomi,
        Name Prefix,Name Suffix,Initials,Nickname,Short Name,Maiden Name,Birthday,Gender,Location,Group Membership,
        E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value""",
        {"EMAIL": "E-mail 1 - Value", "PHONE": "Phone 1 - Value", "GEN": "Gender", "FN": "Given Name",
         "LN": "Family Name", "FI": "Initials", "DOB": "Birthday"},
    ),
    "Outlook": (
        """First Name,Middle Name,Last Name,Title,Suffix,Nickname,Given Yomi,Surname Yomi,E-mail Address,E-mail 2 Address,
        E-mail 3 Address,Home Phone,Home Phone 2,Business Phone,Business Phone 2,Mobile Phone,Car Phone,Other Phone,
        Primary Phone,Pager,Business Fax,Home Fax,Other Fax,Company Main Phone,Callback,Radio Phone,Telex,TTY/TDD Phone,
        IMAddress,Job Title,Department,Company,Office Location,Manager's Name,Assistant's Name,Assistant's Phone,
        Company Yomi,Business Street,Business City,Business State,Business Postal Code,Business Country/Region,
        Home Street,Home City,Home State,Home Postal Code,Home Country/Region,Other City,Other Country/Region,
        Personal Web Page,Spouse,Birthday,Anniversary,Notes""",
        {"EMAIL": "E-mail Address|E-mail 2 Address|E-mail 3 Address",
         "PHONE": "Mobile Phone|Primary Phone|Home Phone|Business Phone|Home Phone 2|Business Phone 2|Other Phone|"
                  "Company Main Phone",
         "FN": "First Name", "LN": "Last Name", "CT": "Home City|Business City|Other City",
         "ST": "Home State|Business State", "ZIP": "Home Postal Code|Business Postal Code",
         "COUNTRY": "Home Country/Region|Business Country/Region|Other Country/Region", "DOB": "Birthday"},
    ),
    "Stripe": (
        """id,Description,Email,Name,Created (UTC),Delinquent,Card ID,Card Last4,Card Brand,Card Funding,Card Exp Month,
        Card Exp Year,Card Name,Card Address Line1,Card Address Line2,Card Address City,Card Address State,
        Card Address Country,Card Address Zip,Card Issue Country,Card Fingerprint,Plan,Status,Total Spend,Payment Count,
        Refunded Volume,Dispute Losses,Currency""",
        {"EMAIL": "Email", "CT": "Card Address City", "ST": "Card Address State", "ZIP": "Card Address Zip",
         "COUNTRY": "Card Address Country", "FULL_NAME": "Name"},
    ),
    "Square": (
        """Reference ID,First Name,Last Name,Email Address,Phone Number,Nickname,Company Name,Street Address 1,
        Street Address 2,City,State,Postal Code,Birthday,Memo,Creation Source,First Visit,Last Visit,Transaction Count,
        Lifetime Spend,Email Subscription Status,Instant Profile,Square Customer ID""",
        {"EMAIL": "Email Address", "PHONE": "Phone Number", "FN": "First Name", "LN": "Last Name", "CT": "City",
         "ST": "State", "ZIP": "Postal Code", "DOB": "Birthday"},
    ),
    "Zoho": (
        """Record Id,Contact Owner.id,Contact Owner,Lead Source,First Name,Last Name,Account Name.id,Account Name,Email,
        Title,Department,Phone,Home Phone,Other Phone,Fax,Mobile,Date of Birth,Assistant,Asst Phone,Email Opt Out,
        Mailing Street,Mailing City,Mailing State,Mailing Zip,Mailing Country,Other City,Other State,Other Zip,
        Other Country,Secondary Email,Salutation""",
        {"EMAIL": "Email|Secondary Email", "PHONE": "Mobile|Phone|Home Phone|Other Phone", "FN": "First Name",
         "LN": "Last Name", "CT": "Mailing City|Other City", "ST": "Mailing State|Other State",
         "ZIP": "Mailing Zip|Other Zip", "COUNTRY": "Mailing Country|Other Country", "DOB": "Date of Birth"},
    ),
    "Pipedrive": (
        """Person - Name,Person - First name,Person - Last name,Person - Organization,Person - Phone - Work,
        Person - Phone - Home,Person - Phone - Mobile,Person - Phone - Other,Person - Email - Work,
        Person - Email - Home,Person - Email - Other,Person - Label,Person - Owner,Person - Open deals,
        Person - Last activity date""",
        {"EMAIL": "Person - Email - Home|Person - Email - Work|Person - Email - Other",
         "PHONE": "Person - Phone - Mobile|Person - Phone - Home|Person - Phone - Work|Person - Phone - Other",
         "FN": "Person - First name", "LN": "Person - Last name"},
    ),
    "Brevo": (
        "CONTACT ID,EMAIL,LASTNAME,FIRSTNAME,SMS,WHATSAPP,OPT_IN,DOUBLE_OPT-IN,ADDED_TIME,MODIFIED_TIME",
        {"EMAIL": "EMAIL", "PHONE": "WHATSAPP", "FN": "FIRSTNAME", "LN": "LASTNAME"},
    ),
    "Magento": (
        """Email,Website,Store,confirmation,created_at,created_in,disable_auto_group_change,dob,firstname,gender,group_id,
        lastname,middlename,password_hash,prefix,suffix,_address_city,_address_country_id,_address_postcode,
        _address_telephone""",
        {"EMAIL": "Email", "PHONE": "_address_telephone", "GEN": "gender", "FN": "firstname", "LN": "lastname",
         "CT": "_address_city", "ZIP": "_address_postcode", "COUNTRY": "_address_country_id", "DOB": "dob"},
    ),
}  # fmt: skip
"""By export: its header row, and by key the columns that serve it, best first. All other columns are ignored."""

LANGUAGES: dict[str, tuple[str, dict[str, str]]] = {
    "German": (
        """Kundennummer,Anrede,Vorname,Nachname,E-Mail-Adresse (privat),E-Mail geschäftlich,Telefon,Handynummer,Straße,
        Hausnummer,PLZ,Ort,Bundesland,Land,Geburtsdatum,Geschlecht,Newsletter-Einwilligung""",
        {"EMAIL": "E-Mail-Adresse (privat)|E-Mail geschäftlich", "PHONE": "Handynummer|Telefon", "GEN": "Geschlecht",
         "FN": "Vorname", "LN": "Nachname", "CT": "Ort", "ST": "Bundesland", "ZIP": "PLZ", "COUNTRY": "Land",
         "DOB": "Geburtsdatum"},
    ),
    "French": (
        """N° client,Civilité,Nom,Prénom,Adresse e-mail,Téléphone fixe,Téléphone portable,Adresse,Code postal,Ville,Pays,
        Date de naissance,Sexe""",
        {"EMAIL": "Adresse e-mail", "PHONE": "Téléphone portable|Téléphone fixe", "GEN": "Sexe", "FN": "Prénom",
         "LN": "Nom", "CT": "Ville", "ZIP": "Code postal", "COUNTRY": "Pays", "DOB": "Date de naissance"},
    ),
    "Spanish": (
        """Nombre,Apellidos,Correo electrónico,Teléfono fijo,Teléfono móvil,Código postal,Ciudad,Provincia,País,
        Fecha de nacimiento,Sexo,Fecha de alta""",
        {"EMAIL": "Correo electrónico", "PHONE": "Teléfono móvil|Teléfono fijo", "GEN": "Sexo", "FN": "Nombre",
         "LN": "Apellidos", "CT": "Ciudad", "ST": "Provincia", "ZIP": "Código postal", "COUNTRY": "País",
         "DOB": "Fecha de nacimiento"},
    ),
    "Portuguese": (
        "Nome,Sobrenome,E-mail,Telefone,Celular,CEP,Cidade,Estado,País,Data de nascimento,Sexo,Gênero",
        {"EMAIL": "E-mail", "PHONE": "Celular|Telefone", "GEN": "Sexo|Gênero", "FN": "Nome", "LN": "Sobrenome",
         "CT": "Cidade", "ST": "Estado", "ZIP": "CEP", "COUNTRY": "País", "DOB": "Data de nascimento"},
    ),
    "Italian": (
        "Nome,Cognome,Indirizzo e-mail,Telefono,Cellulare,CAP,Città,Provincia,Paese,Data di nascita,Sesso",
        {"EMAIL": "Indirizzo e-mail", "PHONE": "Cellulare|Telefono", "GEN": "Sesso", "FN": "Nome", "LN": "Cognome",
         "CT": "Città", "ST": "Provincia", "ZIP": "CAP", "COUNTRY": "Paese", "DOB": "Data di nascita"},
    ),
    "Dutch": (
        """Voornaam,Tussenvoegsel,Achternaam,E-mailadres,Telefoonnummer,Mobiel,Postcode,Woonplaats,Land,Geboortedatum,
        Geslacht""",
        {"EMAIL": "E-mailadres", "PHONE": "Mobiel|Telefoonnummer", "GEN": "Geslacht", "FN": "Voornaam",
         "LN": "Achternaam", "CT": "Woonplaats", "ZIP": "Postcode", "COUNTRY": "Land", "DOB": "Geboortedatum"},
    ),
    "Polish": (
        """Imię,Nazwisko,Adres e-mail,Numer telefonu,Telefon komórkowy,Kod pocztowy,Miasto,Województwo,Kraj,Data urodzenia,
        Płeć""",
        {"EMAIL": "Adres e-mail", "PHONE": "Telefon komórkowy|Numer telefonu", "GEN": "Płeć", "FN": "Imię",
         "LN": "Nazwisko", "CT": "Miasto", "ST": "Województwo", "ZIP": "Kod pocztowy", "COUNTRY": "Kraj",
         "DOB": "Data urodzenia"},
    ),
    "Swedish": (
        "Förnamn,Efternamn,E-postadress,Telefonnummer,Mobilnummer,Postnummer,Ort,Land,Födelsedatum,Kön",
        {"EMAIL": "E-postadress", "PHONE": "Mobilnummer|Telefonnummer", "GEN": "Kön", "FN": "Förnamn", "LN": "Efternamn",
         "CT": "Ort", "ZIP": "Postnummer", "COUNTRY": "Land", "DOB": "Födelsedatum"},
    ),
    "Danish": (
        "Fornavn,Efternavn,E-mailadresse,Telefonnummer,Mobilnr.,Postnr.,By,Land,Fødselsdato,Køn",
        {"EMAIL": "E-mailadresse", "PHONE": "Mobilnr.|Telefonnummer", "GEN": "Køn", "FN": "Fornavn", "LN": "Efternavn",
         "CT": "By", "ZIP": "Postnr.", "COUNTRY": "Land", "DOB": "Fødselsdato"},
    ),
    "Norwegian": (
        "Fornavn,Etternavn,E-postadresse,Mobiltelefon,Telefon,Postnummer,Poststed,Fylke,Land,Fødselsdato,Kjønn",
        {"EMAIL": "E-postadresse", "PHONE": "Mobiltelefon|Telefon", "GEN": "Kjønn", "FN": "Fornavn", "LN": "Etternavn",
         "CT": "Poststed", "ST": "Fylke", "ZIP": "Postnummer", "COUNTRY": "Land", "DOB": "Fødselsdato"},
    ),
    "Finnish": (
        """Etunimi,Sukunimi,Sähköpostiosoite,Puhelinnumero,Matkapuhelin,Postinumero,Postitoimipaikka,Maa,Syntymäaika,
        Sukupuoli""",
        {"EMAIL": "Sähköpostiosoite", "PHONE": "Matkapuhelin|Puhelinnumero", "GEN": "Sukupuoli", "FN": "Etunimi",
         "LN": "Sukunimi", "CT": "Postitoimipaikka", "ZIP": "Postinumero", "COUNTRY": "Maa", "DOB": "Syntymäaika"},
    ),
    "Turkish": (
        "Adı,Soyadı,E-posta Adresi,Telefon,Cep Telefonu,Posta Kodu,İlçe,Şehir,Ülke,Doğum Tarihi,Cinsiyet",
        {"EMAIL": "E-posta Adresi", "PHONE": "Cep Telefonu|Telefon", "GEN": "Cinsiyet", "FN": "Adı", "LN": "Soyadı",
         "CT": "Şehir", "ZIP": "Posta Kodu", "COUNTRY": "Ülke", "DOB": "Doğum Tarihi"},
    ),
    "Russian": (
        """Фамилия,Имя,Отчество,Электронная почта,Телефон,Мобильный телефон,Почтовый индекс,Город,Область,Страна,
        Дата рождения,Пол""",
        {"EMAIL": "Электронная почта", "PHONE": "Мобильный телефон|Телефон", "GEN": "Пол", "FN": "Имя", "LN": "Фамилия",
         "CT": "Город", "ST": "Область", "ZIP": "Почтовый индекс", "COUNTRY": "Страна", "DOB": "Дата рождения"},
    ),
    "Ukrainian": (
        """Прізвище,Ім'я,По батькові,Електронна пошта,Мобільний телефон,Номер телефону,Поштовий індекс,Місто,Країна,
        Дата народження,Стать""",
        {"EMAIL": "Електронна пошта", "PHONE": "Мобільний телефон|Номер телефону", "GEN": "Стать", "FN": "Ім'я",
         "LN": "Прізвище", "CT": "Місто", "ZIP": "Поштовий індекс", "COUNTRY": "Країна", "DOB": "Дата народження"},
    ),
    "Czech": (
        "Jméno,Příjmení,E-mailová adresa,Telefon,Mobilní telefon,PSČ,Město,Země,Datum narození,Pohlaví",
        {"EMAIL": "E-mailová adresa", "PHONE": "Mobilní telefon|Telefon", "GEN": "Pohlaví", "FN": "Jméno",
         "LN": "Příjmení", "CT": "Město", "ZIP": "PSČ", "COUNTRY": "Země", "DOB": "Datum narození"},
    ),
    "Hungarian": (
        """Vezetéknév,Keresztnév,E-mail cím,Telefonszám,Mobiltelefonszám,Irányítószám,Város,Megye,Ország,Születési dátum,
        Nem""",
        {"EMAIL": "E-mail cím", "PHONE": "Mobiltelefonszám|Telefonszám", "GEN": "Nem", "FN": "Keresztnév",
         "LN": "Vezetéknév", "CT": "Város", "ST": "Megye", "ZIP": "Irányítószám", "COUNTRY": "Ország",
         "DOB": "Születési dátum"},
    ),
    "Japanese": (
        "姓,名,セイ,メイ,メールアドレス,電話番号,携帯電話番号,郵便番号,都道府県,市区町村,国,生年月日,性別",
        {"EMAIL": "メールアドレス", "PHONE": "携帯電話番号|電話番号", "GEN": "性別", "FN": "名", "LN": "姓",
         "CT": "市区町村", "ST": "都道府県", "ZIP": "郵便番号", "COUNTRY": "国", "DOB": "生年月日"},
    ),
    "Chinese": (
        "姓名,电子邮箱,手机号码,联系电话,邮政编码,省份,城市,国家,出生日期,性别",
        {"EMAIL": "电子邮箱", "PHONE": "手机号码|联系电话", "GEN": "性别", "CT": "城市", "ST": "省份", "ZIP": "邮政编码",
         "COUNTRY": "国家", "FULL_NAME": "姓名", "DOB": "出生日期"},
    ),
    "Taiwanese": (
        "姓氏,名字,電子郵件,手機號碼,聯絡電話,郵遞區號,城市,國家,生日,性別",
        {"EMAIL": "電子郵件", "PHONE": "手機號碼|聯絡電話", "GEN": "性別", "FN": "名字", "LN": "姓氏", "CT": "城市",
         "ZIP": "郵遞區號", "COUNTRY": "國家", "DOB": "生日"},
    ),
    "Korean": (
        "이름,이메일,휴대폰번호,전화번호,우편번호,도시,국가,생년월일,성별,수신동의",
        {"EMAIL": "이메일", "PHONE": "휴대폰번호|전화번호", "GEN": "성별", "CT": "도시", "ZIP": "우편번호",
         "COUNTRY": "국가", "FULL_NAME": "이름", "DOB": "생년월일"},
    ),
    "Vietnamese": (
        "Họ và tên,Email,Số điện thoại,Di động,Tỉnh,Thành phố,Quốc gia,Ngày sinh,Giới tính",
        {"EMAIL": "Email", "PHONE": "Di động|Số điện thoại", "GEN": "Giới tính", "CT": "Thành phố", "ST": "Tỉnh",
         "COUNTRY": "Quốc gia", "FULL_NAME": "Họ và tên", "DOB": "Ngày sinh"},
    ),
    "Indonesian": (
        "Nama Lengkap,Alamat Email,Nomor HP,Telepon,Kode Pos,Kota,Provinsi,Negara,Tanggal Lahir,Jenis Kelamin",
        {"EMAIL": "Alamat Email", "PHONE": "Nomor HP|Telepon", "GEN": "Jenis Kelamin", "CT": "Kota", "ST": "Provinsi",
         "ZIP": "Kode Pos", "COUNTRY": "Negara", "FULL_NAME": "Nama Lengkap", "DOB": "Tanggal Lahir"},
    ),
    "Arabic": (
        "الاسم الأول,اسم العائلة,البريد الإلكتروني,رقم الهاتف,رقم الجوال,الرمز البريدي,المدينة,البلد,تاريخ الميلاد,الجنس",
        {"EMAIL": "البريد الإلكتروني", "PHONE": "رقم الجوال|رقم الهاتف", "GEN": "الجنس", "FN": "الاسم الأول",
         "LN": "اسم العائلة", "CT": "المدينة", "ZIP": "الرمز البريدي", "COUNTRY": "البلد", "DOB": "تاريخ الميلاد"},
    ),
    "Hebrew": (
        """שם פרטי,שם משפחה,דוא"ל,טלפון,טלפון נייד,מיקוד,עיר,מדינה,תאריך לידה,מין""",
        {"EMAIL": 'דוא"ל', "PHONE": "טלפון נייד|טלפון", "GEN": "מין", "FN": "שם פרטי", "LN": "שם משפחה", "CT": "עיר",
         "ZIP": "מיקוד", "COUNTRY": "מדינה", "DOB": "תאריך לידה"},
    ),
    "Greek": (
        "Όνομα,Επώνυμο,Διεύθυνση email,Τηλέφωνο,Κινητό,Τ.Κ.,Πόλη,Χώρα,Ημερομηνία γέννησης,Φύλο",
        {"EMAIL": "Διεύθυνση email", "PHONE": "Κινητό|Τηλέφωνο", "GEN": "Φύλο", "FN": "Όνομα", "LN": "Επώνυμο",
         "CT": "Πόλη", "ZIP": "Τ.Κ.", "COUNTRY": "Χώρα", "DOB": "Ημερομηνία γέννησης"},
    ),
}  # fmt: skip
"""By language: a header row people would write, and by key the columns that serve it, best first."""


def columns_of(row: str) -> list[str]:
    """The names in a header row."""
    return [name.strip() for name in row.split(",")]


@pytest.mark.parametrize("name", EXPORTS)
def test_every_column_of_an_export_becomes_what_it_should(name: str) -> None:
    row, expected = EXPORTS[name]
    header = columns_of(row)

    plan = map_columns(header, [[] for _ in header], "GB")

    assert {key: "|".join(header[at] for at in serving) for key, serving in plan.serving.items()} == expected
    served = sum(len(serving) for serving in plan.serving.values())
    assert sum(column.certainty == "ignored" for column in plan.columns) == len(header) - served


@pytest.mark.parametrize("language", LANGUAGES)
def test_lists_are_understood_in_many_languages(language: str) -> None:
    row, expected = LANGUAGES[language]
    header = columns_of(row)

    plan = map_columns(header, [[] for _ in header], "GB")

    assert {key: "|".join(header[at] for at in serving) for key, serving in plan.serving.items()} == expected
