"""The words that exports and people use for columns, in English and twenty-four other languages. Data only.

Each key has rows of names, the better ones first: a mobile goes before a phone that may be anything, and that before a
landline. Within a row all names are equally good. Names are folded by `headers.fold_header` before they are compared, so
case, accents, punctuation, underscores and the hyphen of `e-mail` play no part here.

Words around a name (`billing`, `2`, `privat`) are in QUALIFIERS with what they cost: the dearer column is the later choice.
"""

from __future__ import annotations

FULL_NAME = "FULL_NAME"
DOB = "DOB"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


NAMES: dict[str, tuple[str, ...]] = {
    "EMAIL": (
        """email|mail|email address|mail address|email id|mail id|adres email|email adresse|mailadresse|emailadresse|
        adresse email|adresse mail|adresse de messagerie|adresse electronique|courriel|adresse courriel|mel|correo|
        correo electronico|correo e|direccion de correo|direccion de correo electronico|direccion de email|
        correio eletronico|correio electronico|endereco de email|endereco email|endereco eletronico|indirizzo email|
        indirizzo mail|posta elettronica|indirizzo di posta elettronica|emailadres|mailadres|poczta|poczta elektroniczna|
        adres poczty elektronicznej|e post|e postadress|mejl|mejladress|mailadress|e postadresse|sahkoposti|
        sahkopostiosoite|s posti|e posta|e posta adresi|email adresi|mail adresi|почта|электронная почта|эл почта|
        адрес электронной почты|электронный адрес|имейл|емейл|мейл|електронна пошта|ел пошта|пошта|
        адреса електронної пошти|електронна адреса|emailova adresa|elektronicka posta|mailova adresa|email cim|
        elektronikus levelcim|メール|メールアドレス|eメール|eメールアドレス|電子メール|电子邮件|电子邮箱|邮箱|邮箱地址|
        电子邮件地址|邮件地址|電子郵件|電子信箱|信箱|電郵|電郵地址|電子郵件地址|이메일|이메일 주소|이메일주소|전자우편|
        메일|메일주소|dia chi email|thu dien tu|dia chi thu dien tu|alamat email|surel|alamat surel|البريد الإلكتروني|
        البريد الالكتروني|بريد إلكتروني|عنوان البريد الإلكتروني|الإيميل|ايميل|אימייל|דוא"ל|דואל|מייל|דואר אלקטרוני|
        כתובת מייל|כתובת אימייל|כתובת דוא"ל|ηλεκτρονικό ταχυδρομείο|ηλεκτρονική διεύθυνση|διεύθυνση email|
        διεύθυνση ηλεκτρονικού ταχυδρομείου|adresa de email|adresa email""",
    ),
    "PHONE": (
        """mobile|mobile phone|mobile phone number|mobile number|mobilephone|mob|cell|cell phone|cellphone|cell number|
        cell phone number|cellular|cellular phone|whatsapp|whatsapp number|whatsapp phone|whatsapp phone number|
        sms number|sms phone|msisdn|handy|handynummer|mobil|mobilnummer|mobiltelefon|mobiltelefonnummer|mobilfunk|
        mobilfunknummer|mobilnr|mobilrufnummer|portable|telephone portable|tel portable|telephone mobile|tel mobile|
        numero de portable|numero de mobile|movil|celular|telefono movil|telefono celular|tel movil|numero de movil|
        numero de celular|nro celular|telemovel|telefone celular|telefone movel|numero de telemovel|cellulare|
        telefono cellulare|numero di cellulare|numero cellulare|tel cellulare|telefonino|mobiel|mobiele telefoon|
        mobiel nummer|mobiele nummer|mobiel telefoonnummer|mobiele telefoonnummer|gsm|gsm nummer|gsm no|telefon komorkowy|
        komorka|numer komorki|tel kom|tel komorkowy|numer telefonu komorkowego|matkapuhelin|matkapuhelinnumero|
        matkapuhelimen numero|kannykka|kannykkanumero|cep telefonu|cep telefon|cep tel|cep no|cep numarasi|
        cep telefonu numarasi|мобильный|мобильный телефон|мобильный номер|номер мобильного|номер мобильного телефона|
        сотовый|сотовый телефон|моб|моб телефон|моб тел|мобільний|мобільний телефон|мобільний номер|номер мобільного|
        номер мобільного телефону|mobilni telefon|mobilni cislo|cislo mobilu|mobilszam|mobiltelefonszam|mobil telefonszam|
        mobil szam|携帯|携帯電話|携帯番号|携帯電話番号|電話番号 携帯|携帯tel|モバイル|スマホ|手机|手机号|手机号码|
        移动电话|联系手机|手機|手機號|手機號碼|行動電話|流動電話|휴대폰|휴대전화|휴대폰번호|휴대폰 번호|휴대전화번호|
        휴대전화 번호|핸드폰|핸드폰번호|핸드폰 번호|모바일|di dong|so di dong|dien thoai di dong|so dien thoai di dong|
        sdt di dong|hp|no hp|nomor hp|ponsel|no ponsel|nomor ponsel|no wa|nomor wa|nomor whatsapp|handphone|no handphone|
        telepon seluler|seluler|الجوال|جوال|رقم الجوال|الهاتف الجوال|الهاتف المحمول|رقم الهاتف المحمول|المحمول|موبايل|
        الموبايل|رقم الموبايل|الهاتف النقال|נייד|טלפון נייד|מספר נייד|מספר טלפון נייד|סלולרי|טלפון סלולרי|פלאפון|κινητό|
        κινητό τηλέφωνο|τηλέφωνο κινητό|αριθμός κινητού|telefon mobil""",
        """phone|phone number|phonenumber|telephone|telephone number|tel|tel number|ph|contact number|telefon|
        telefonnummer|rufnummer|telefonnr|fon|numero de telephone|numero de tel|n de telephone|num tel|n tel|telefono|
        numero de telefono|num de telefono|telefono de contacto|tfno|tlf|telefone|telefone de contato|numero de telefone|
        fone|numero di telefono|numero telefono|n telefono|recapito telefonico|telefoon|telefoonnummer|telefoonnr|
        numer telefonu|nr telefonu|nr tel|telefon kontaktowy|tfn|tlfnr|puhelin|puhelinnumero|puh|telefon numarasi|
        irtibat numarasi|телефон|номер телефона|тел|контактный телефон|номер телефону|контактний телефон|telefonni cislo|
        cislo telefonu|telefonszam|電話|電話番号|お電話番号|連絡先電話番号|电话|电话号码|联系电话|電話號碼|聯絡電話|전화|
        전화번호|전화 번호|연락처|dien thoai|so dien thoai|sdt|so dt|telepon|nomor telepon|no telepon|telp|no telp|
        nomor telp|no tlp|الهاتف|رقم الهاتف|هاتف|تلفون|رقم التلفون|التليفون|رقم التليفون|טלפון|מספר טלפון|טל|τηλέφωνο|
        αριθμός τηλεφώνου|τηλ|numar de telefon""",
        """landline|landline phone|fixed line|fixed phone|festnetz|festnetznummer|telephone fixe|tel fixe|fixe|
        telefono fijo|fijo|telefone fixo|fixo|telefono fisso|fisso|vaste telefoon|vast nummer|telefon stacjonarny|
        fasttelefon|fastnet|lankapuhelin|sabit telefon|ev telefonu|стационарный телефон|домашний телефон|
        городской телефон|стаціонарний телефон|pevna linka|vezetekes telefon|固定電話|固定电话|座机|固話|유선전화|집전화|
        dien thoai ban|telepon rumah|الهاتف الأرضي|هاتف ثابت|טלפון קווי|טלפון בבית|σταθερό|σταθερό τηλέφωνο|company phone|
        company main phone|business main phone""",
    ),
    "GEN": (
        """gender|gen|sex|geschlecht|sexe|genre|sexo|genero|sesso|genere|geslacht|plec|kon|kjonn|sukupuoli|cinsiyet|пол|
        стать|pohlavi|nem|性別|性别|성별|gioi tinh|jenis kelamin|الجنس|النوع|מין|מגדר|φύλο""",
    ),
    "DOBY": (
        """doby|birth year|year of birth|yob|birthyear|geburtsjahr|annee de naissance|ano de nacimiento|ano de nascimento|
        anno di nascita|geboortejaar|rok urodzenia|fodelsear|fodselsar|syntymavuosi|dogum yili|год рождения|
        рік народження|rok narozeni|szuletesi ev|生年|誕生年|出生年份|出生年|출생년도|출생연도|nam sinh|tahun lahir|
        سنة الميلاد|שנת לידה|έτος γέννησης""",
    ),
    "DOBM": (
        """dobm|birth month|month of birth|birthmonth|geburtsmonat|mois de naissance|mes de nacimiento|mes de nascimento|
        mese di nascita|geboortemaand|miesiac urodzenia|fodelsemanad|fodselsmaned|syntymakuukausi|dogum ayi|
        месяц рождения|місяць народження|mesic narozeni|szuletesi honap|誕生月|出生月份|출생월|thang sinh|bulan lahir|
        شهر الميلاد|חודש לידה|μήνας γέννησης""",
    ),
    "DOBD": (
        """dobd|day of birth|birth day of month|geburtstag tag|jour de naissance|dia de nacimiento|dia de nascimento|
        giorno di nascita|geboortedag|dzien urodzenia|den narozeni|誕生日 日|출생일|tanggal lahir hari""",
    ),
    "FN": (
        """fn|first name|firstname|first|fname|given name|givenname|forename|forenames|christian name|merge1|vorname|
        vornamen|rufname|prenom|prenoms|nombre|nombres|nombre de pila|primer nombre|nome|primeiro nome|nome proprio|
        voornaam|roepnaam|imie|fornamn|tilltalsnamn|fornavn|etunimi|ad|adi|isim|имя|имена|ім'я|імʼя|jmeno|krestni jmeno|
        keresztnev|utonev|名|下の名前|名前 名|ten|ten goi|nama depan|الاسم الأول|שם פרטי|όνομα|prenume""",
    ),
    "LN": (
        """ln|last name|lastname|last|lname|surname|family name|familyname|merge2|nachname|familienname|zuname|
        nom de famille|apellido|apellidos|primer apellido|sobrenome|apelido|ultimo nome|cognome|achternaam|familienaam|
        nazwisko|efternamn|etternavn|efternavn|sukunimi|soyadi|soyad|soyisim|фамилия|прізвище|prijmeni|vezeteknev|
        csaladnev|姓|苗字|名前 姓|姓氏|성|성씨|ho va ten dem|nama belakang|nama keluarga|اسم العائلة|اللقب|الاسم الأخير|
        الكنية|שם משפחה|επώνυμο|επίθετο|nume de familie""",
    ),
    FULL_NAME: (
        """full name|fullname|name|customer name|contact name|customer|display name|your name|billing name|buyer name|
        client name|guest name|member name|recipient name|subscriber name|person name|account holder|naam|volledige naam|
        klantnaam|vollstandiger name|vor und nachname|kundenname|kunde|nom|nom complet|nombre completo|nome completo|
        nome do cliente|nombre del cliente|nome cliente|nominativo|imie i nazwisko|namn|navn|fullstandigt namn|fulde navn|
        fullt navn|nimi|koko nimi|musteri adi|ad soyad|adi soyadi|полное имя|имя клиента|повне ім'я|cele jmeno|
        jmeno a prijmeni|名字|客户姓名|客户名称|nama|nama lengkap|nama pelanggan|الاسم|الاسم الكامل|اسم العميل|שם|שם מלא|
        שם לקוח|ονοματεπώνυμο|πλήρες όνομα|nume complet|nume""",
        "shipping name|ship to name|delivery name",
    ),
    "FI": ("fi|first initial|initial|initials",),
    DOB: (
        """dob|date of birth|birthdate|birth date|birthday|birth day|born|person birthdate|geburtsdatum|geburtstag|
        geb datum|geboren am|date de naissance|date naissance|ne le|anniversaire|fecha de nacimiento|fecha nacimiento|
        nacimiento|cumpleanos|data de nascimento|data nascimento|nascimento|aniversario|data di nascita|compleanno|
        geboortedatum|verjaardag|data urodzenia|urodziny|fodelsedatum|fodelsedag|fodselsdato|fodselsdag|syntymaaika|
        syntymapaiva|dogum tarihi|dogum gunu|дата рождения|день рождения|др|дата народження|день народження|
        datum narozeni|narozeniny|szuletesi datum|szuletesi ido|szuletesnap|生年月日|誕生日|出生日期|出生年月日|生日|
        생년월일|생일|ngay sinh|ngay thang nam sinh|tanggal lahir|tgl lahir|تاريخ الميلاد|تاريخ الولادة|תאריך לידה|
        ημερομηνία γέννησης|γενέθλια|data nasterii""",
    ),
    "CT": (
        """ct|city|town|city town|town city|suburb|municipality|locality|ort|stadt|wohnort|ville|commune|ciudad|localidad|
        poblacion|cidade|municipio|citta|comune|localita|plaats|woonplaats|stad|miasto|miejscowosc|by|poststed|kaupunki|
        paikkakunta|postitoimipaikka|sehir|город|населенный пункт|місто|населений пункт|mesto|obec|varos|telepules|
        helyseg|市区町村|市|都市|城市|도시|시|시군구|thanh pho|kota|المدينة|مدينة|עיר|ישוב|יישוב|πόλη|oras|localitate""",
    ),
    "ST": (
        """st|state|state region|state province|province|province code|state code|county|bundesland|kanton|departement|
        provincia|prov|estado|uf|regione|provincie|wojewodztwo|lan|fylke|maakunta|il|область|регион|okres|megye|都道府県|
        省|省份|시도|tinh|provinsi|المحافظة|الولاية|מחוז|νομός|judet""",
    ),
    "ZIP": (
        """zip|zipcode|zip code|postal code|postcode|post code|postalcode|postal|zip postal code|postal zip code|
        zip postal|plz|postleitzahl|code postal|cp|codigo postal|codigo de endereco postal|cap|codice postale|
        kod pocztowy|postnummer|postnr|postinumero|posta kodu|почтовый индекс|индекс|поштовий індекс|індекс|psc|
        postovni smerovaci cislo|smerovaci cislo|iranyitoszam|ir szam|irsz|郵便番号|邮编|邮政编码|郵遞區號|郵政編碼|
        우편번호|ma buu chinh|ma buu dien|kode pos|cep|الرمز البريدي|מיקוד|ταχυδρομικός κώδικας|τ κ|cod postal""",
    ),
    "COUNTRY": (
        """country|country code|country region|iso country|iso country code|country iso|country name|country id|
        country territory|nation|land|staat|pays|pais|paese|nazione|kraj|panstwo|maa|ulke|страна|країна|zeme|stat|orszag|
        国|国名|国家|國家|국가|나라|quoc gia|negara|البلد|الدولة|بلد|دولة|מדינה|ארץ|χώρα|tara""",
    ),
    "MADID": ("madid|mobile advertiser id|mobile ad id|idfa|gaid|aaid|advertising id",),
    "EXTERN_ID": (
        """extern id|external id|externid|customer id|customer no|customer nr|customer number|client no|client id|
        contact id|record id|record id contact|klaviyo id|lead id|user id|uid|member id|subscriber id|person id|
        reference id|square customer id|leid|euid|kundennummer|kundennr|id client|numero client|numero de cliente|
        id cliente|klantnummer|asiakasnumero|musteri no|номер клиента|顧客id|会員番号|客户编号|고객번호""",
    ),
}  # fmt: skip

FAMILY_FIRST = """nev|teljes nev|ugyfel neve|氏名|お名前|名前|姓名|이름|성명|성함|고객명|фио|піб|пиб"""
"""Full names of languages that write the family first, the given name right after it."""

GIVEN_LAST = "ho ten|ho va ten|ten khach hang"
"""Full names written family, middle, given: Vietnamese."""

AND = _set("and und et e y i og och en ve и та і a es ja e va da και y 및")
"""Words that join two names in one header: `Nom et prénom`."""

NOISE = _set(
    """required optional mandatory pflichtfeld pflicht obligatoire facultatif obligatorio obligatoria opcional obrigatorio
    obbligatorio verplicht zorunlu wymagane povinne обязательно обязательное 必須 任意 必填 选填 필수 선택 value field e164
    format international the no nr num number numero nummer your of de del di du des la le el lo do da der von van"""
)
"""Words that say nothing about which column it is. They go only where what is left is a name of its own."""

PERSON = 1
"""What a word for the person costs."""

QUALIFIERS: dict[str, int] = {
    word: cost
    for cost, words in {
        0: """personal private privat privee prive personnel personnelle personale pessoal particular prywatny osobisty
            kisisel личный личная особистий soukromy primary main principal principale preferred address adresse hoofd
            glowny основной основний mobile mobil mobiel movil movel cellulare celular cell 1""",
        PERSON: """contact contacts customer client cliente klant kunde kunden clients person buyer member subscriber guest
            lead patient donor profile user account recipient properties attributes shopper player student musteri клиента
            клієнта ugyfel asiakas zakaznik kundens""",
        2: "default billing bill invoice rechnung facturation facturacion fatturazione faktura mailing permanent card",
        4: "shipping ship delivery livraison envio lieferung entrega spedizione levering",
        5: "home domicile casa thuis domowy hem ev домашний",
        6: """work business office professional professionnel professionnelle pro bureau trabajo trabalho lavoro ufficio
            werk sluzbowy arbete arbeid arbejde geschaftlich dienstlich beruflich рабочий робочий pracovni munkahelyi""",
        8: "secondary second other alternate alternative alt additional zweite weitere autre otro outro altro 2",
        9: "3",
        10: "4 5 6 7 8 9 10",
    }.items()
    for word in words.split()
}
"""Words around a name, and what each costs. `home` costs nothing for e-mail addresses: those are the personal ones."""

FREE_AT_HOME = _set("home domicile casa thuis domowy hem ev домашний")
MOBILE_WORDS = _set("mobile mobil mobiel movil movel cellulare celular cell")

TOO_SHORT = _set(
    """first last name fn ln fi fname lname st ct cp by land lan il nom nome nombre ad adi ten nume customer kunde gen sex
    initial born"""
)
"""Names that mean something else as soon as another word stands beside them: `last visit`, `first order`."""

NOT_A_VALUE = """status|opt|optin|optout|opted|consent|marketing|type|date|verified|valid|validated|count|sent|opened|
    clicked|clicks|opens|preference|preferences|permission|bounce|bounced|subscribed|unsubscribed|unsubscribe|
    subscription|source|fax|telefax|faks|label|extension|ext|domain|owner|template|campaign|confirmed|at|company|firma|
    carrier|provider|score|rating|time|timestamp|pager|telex|tty|tdd|radio|assistant|asst|manager|spouse|emergency|parent|
    employer|agent|supplier|code|list|lists|newsletter|notes|note|comment|accepts|allow|allowed|blocked|invalid|reason|
    hour|hours|einwilligung|zustimmung|anmeldung|datum|consentement|abonnement|consentimiento|consenso|iscrizione|
    toestemming|zgoda|samtycke|samtykke|izin|согласие|рассылка|подписка|статус|факс|тип|дата|згода|souhlas|hozzajarulas|
    φαξ|الفاكس|פקס|נשלח"""
"""Words that make a column one about an address or number, or somebody else's."""

NOT_A_VALUE_INSIDE = (
    "同意|許可|配信|認証|状態|ファックス|fax|日時|传真|傳真|状态|狀態|訂閱|订阅|验证|類型|类型|동의|수신|팩스|인증|여부|상태"
)
"""The same where words are not set apart by spaces."""

HINTS = {
    "EMAIL": (
        "email|emails|mail|mails|correo|courriel|epost|eposta|sahkoposti|почта|пошта|mejl",
        "メール|邮箱|邮件|電郵|信箱|郵件|이메일|메일",
    ),
    "PHONE": (
        """phone|phones|mobile|cell|tel|telephone|telefono|telefone|telefon|handy|mobil|telefoon|puhelin|телефон|whatsapp|
        sms|celular|movil|portable|cellulare|komorka|gsm|telepon|الهاتف|טלפון|τηλέφωνο|κινητό|mobiel|telefonnummer""",
        "電話|携帯|电话|手机|手機|전화|휴대폰|핸드폰|연락처|联系方式",
    ),
}
"""Words that hint at a key, whole ones and parts of words; the content must confirm it."""
