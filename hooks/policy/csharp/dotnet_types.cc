#include "hooks/policy/csharp/dotnet_types.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <vector>

#include "hooks/policy/csharp/context_members.h"
#include "hooks/policy/suggest.h"

namespace postern::policy::csharp {
namespace {

// Static members of the whole numbers and of the others.
#define POSTERN_NUMBER "Parse TryParse MaxValue MinValue Equals ReferenceEquals"
#define POSTERN_REAL \
  POSTERN_NUMBER     \
  " NaN PositiveInfinity NegativeInfinity Epsilon IsNaN IsInfinity IsPositiveInfinity IsNegativeInfinity IsFinite"
#define POSTERN_HASH "Create HashData HashSizeInBits HashSizeInBytes"

// By namespace, then by name. `Chars`-like accessors are left out: nobody can write them.
// No std::array: clang deduces no more than 256 elements of one.
constexpr DotnetType kTypes[] = {
    // The names that C# itself gives to types stand under their .NET names as well.
    DotnetType{"string",
               "Compare CompareOrdinal Concat Copy Empty Equals Format Intern IsInterned IsNullOrEmpty "
               "IsNullOrWhiteSpace Join ReferenceEquals",
               "Length CompareTo Contains CopyTo EndsWith Equals GetEnumerator GetHashCode GetType GetTypeCode IndexOf "
               "IndexOfAny Insert IsNormalized LastIndexOf LastIndexOfAny Normalize PadLeft PadRight Remove Replace "
               "Split StartsWith Substring ToCharArray ToLower ToLowerInvariant ToString ToUpper ToUpperInvariant Trim "
               "TrimEnd TrimStart Clone Chars"},
    DotnetType{"object", "Equals ReferenceEquals", "Equals GetHashCode GetType ToString MemberwiseClone"},
    DotnetType{"bool", "FalseString Parse TrueString TryParse Equals ReferenceEquals", "CompareTo"},
    DotnetType{"byte", POSTERN_NUMBER, ""},
    DotnetType{"sbyte", POSTERN_NUMBER, ""},
    DotnetType{"short", POSTERN_NUMBER, ""},
    DotnetType{"ushort", POSTERN_NUMBER, ""},
    DotnetType{"int", POSTERN_NUMBER, ""},
    DotnetType{"uint", POSTERN_NUMBER, ""},
    DotnetType{"long", POSTERN_NUMBER, ""},
    DotnetType{"ulong", POSTERN_NUMBER, ""},
    DotnetType{"float", POSTERN_REAL, ""},
    DotnetType{"double", POSTERN_REAL, ""},
    DotnetType{"decimal",
               POSTERN_NUMBER
               " Add Ceiling Compare Divide Floor FromOACurrency GetBits MinusOne Multiply Negate One Remainder Round "
               "Subtract ToByte ToDouble ToInt16 ToInt32 ToInt64 ToOACurrency ToSByte ToSingle ToUInt16 ToUInt32 "
               "ToUInt64 Truncate Zero",
               ""},
    DotnetType{"char",
               POSTERN_NUMBER
               " ConvertFromUtf32 ConvertToUtf32 GetNumericValue GetUnicodeCategory IsControl IsDigit IsHighSurrogate "
               "IsLetter IsLetterOrDigit IsLower IsLowSurrogate IsNumber IsPunctuation IsSeparator IsSurrogate "
               "IsSurrogatePair IsSymbol IsUpper IsWhiteSpace ToLower ToLowerInvariant ToString ToUpper "
               "ToUpperInvariant",
               ""},
    DotnetType{"String",
               "Compare CompareOrdinal Concat Copy Empty Equals Format Intern IsInterned IsNullOrEmpty "
               "IsNullOrWhiteSpace Join ReferenceEquals",
               ""},
    DotnetType{"Object", "Equals ReferenceEquals", ""},
    DotnetType{"Boolean", "FalseString Parse TrueString TryParse Equals ReferenceEquals", ""},
    DotnetType{"Byte", POSTERN_NUMBER, ""},
    DotnetType{"SByte", POSTERN_NUMBER, ""},
    DotnetType{"Int16", POSTERN_NUMBER, ""},
    DotnetType{"UInt16", POSTERN_NUMBER, ""},
    DotnetType{"Int32", POSTERN_NUMBER, ""},
    DotnetType{"UInt32", POSTERN_NUMBER, ""},
    DotnetType{"Int64", POSTERN_NUMBER, ""},
    DotnetType{"UInt64", POSTERN_NUMBER, ""},
    DotnetType{"Single", POSTERN_REAL, ""},
    DotnetType{"Double", POSTERN_REAL, ""},
    DotnetType{"Decimal", "", ""},
    DotnetType{"Char", "", ""},

    // System
    DotnetType{
        "Array",
        "AsReadOnly BinarySearch Clear ConstrainedCopy ConvertAll Copy CreateInstance Empty Exists Fill Find "
        "FindAll FindIndex FindLast FindLastIndex ForEach IndexOf LastIndexOf Resize Reverse Sort TrueForAll "
        "Equals ReferenceEquals",
        "Length LongLength Rank GetLength GetLongLength GetLowerBound GetUpperBound GetValue SetValue Initialize "
        "IsFixedSize IsReadOnly IsSynchronized SyncRoot"},
    DotnetType{"BitConverter",
               "DoubleToInt64Bits GetBytes Int64BitsToDouble IsLittleEndian ToBoolean ToChar ToDouble ToInt16 ToInt32 "
               "ToInt64 ToSingle ToString ToUInt16 ToUInt32 ToUInt64",
               ""},
    DotnetType{"Convert",
               "ChangeType DBNull FromBase64CharArray FromBase64String FromHexString GetTypeCode IsDBNull "
               "ToBase64CharArray ToBase64String ToBoolean ToByte ToChar ToDateTime ToDecimal ToDouble ToHexString "
               "ToInt16 ToInt32 ToInt64 ToSByte ToSingle ToString ToUInt16 ToUInt32 ToUInt64 Equals ReferenceEquals",
               ""},
    DotnetType{"DateTime",
               "Compare DaysInMonth Equals FromBinary FromFileTime FromFileTimeUtc FromOADate IsLeapYear MaxValue "
               "MinValue Now Parse ParseExact SpecifyKind Today TryParse TryParseExact UnixEpoch UtcNow "
               "ReferenceEquals",
               "Add AddDays AddHours AddMilliseconds AddMinutes AddMonths AddSeconds AddTicks AddYears CompareTo Date "
               "Day DayOfWeek DayOfYear GetDateTimeFormats Hour IsDaylightSavingTime Kind Millisecond Minute Month "
               "Second Subtract Ticks TimeOfDay ToBinary ToFileTime ToFileTimeUtc ToLocalTime ToLongDateString "
               "ToLongTimeString ToOADate ToShortDateString ToShortTimeString ToUniversalTime Year"},
    DotnetType{"DateTimeKind", "Utc Local Unspecified", ""},
    DotnetType{"DateTimeOffset",
               "Compare Equals FromFileTime FromUnixTimeMilliseconds FromUnixTimeSeconds MaxValue MinValue Now Parse "
               "ParseExact TryParse TryParseExact UnixEpoch UtcNow ReferenceEquals",
               "DateTime EqualsExact LocalDateTime Offset ToOffset ToUnixTimeMilliseconds ToUnixTimeSeconds "
               "UtcDateTime UtcTicks"},
    DotnetType{"DayOfWeek", "Sunday Monday Tuesday Wednesday Thursday Friday Saturday", ""},
    DotnetType{"Enum", "Format GetName GetNames GetUnderlyingType GetValues IsDefined Parse ToObject TryParse",
               "HasFlag"},
    DotnetType{"Exception", "",
               "Data GetBaseException HelpLink HResult InnerException Message Source StackTrace "
               "TargetSite"},
    DotnetType{"Guid", "Empty Equals NewGuid Parse ParseExact TryParse TryParseExact ReferenceEquals", "ToByteArray"},
    DotnetType{"Math",
               "Abs Acos Asin Atan Atan2 BigMul Ceiling Clamp Cos Cosh DivRem E Exp Floor IEEERemainder Log Log10 Max "
               "Min PI Pow Round Sign Sin Sinh Sqrt Tan Tanh Truncate",
               ""},
    DotnetType{"MidpointRounding", "AwayFromZero ToEven ToZero ToNegativeInfinity ToPositiveInfinity", ""},
    DotnetType{"Nullable", "Compare Equals GetUnderlyingType", "HasValue Value GetValueOrDefault"},
    DotnetType{"Random", "Shared", "Next NextBytes NextDouble"},
    DotnetType{"StringComparer",
               "Create CurrentCulture CurrentCultureIgnoreCase InvariantCulture InvariantCultureIgnoreCase Ordinal "
               "OrdinalIgnoreCase",
               "Compare"},
    DotnetType{"StringComparison",
               "CurrentCulture CurrentCultureIgnoreCase InvariantCulture InvariantCultureIgnoreCase Ordinal "
               "OrdinalIgnoreCase",
               ""},
    DotnetType{"StringSplitOptions", "None RemoveEmptyEntries TrimEntries", ""},
    DotnetType{"TimeSpan",
               "Compare Equals FromDays FromHours FromMilliseconds FromMinutes FromSeconds FromTicks MaxValue MinValue "
               "Parse ParseExact TicksPerDay TicksPerHour TicksPerMillisecond TicksPerMinute TicksPerSecond TryParse "
               "TryParseExact Zero ReferenceEquals",
               "Days Duration Hours Milliseconds Minutes Negate Seconds TotalDays TotalHours TotalMilliseconds "
               "TotalMinutes TotalSeconds"},
    DotnetType{"TimeZone", "CurrentTimeZone IsDaylightSavingTime",
               "DaylightName GetDaylightChanges GetUtcOffset StandardName"},
    DotnetType{"TimeZoneInfo",
               "ClearCachedData ConvertTime ConvertTimeBySystemTimeZoneId ConvertTimeFromUtc ConvertTimeToUtc "
               "CreateCustomTimeZone FindSystemTimeZoneById FromSerializedString GetSystemTimeZones Local Utc "
               "AdjustmentRule TransitionTime",
               "BaseUtcOffset DisplayName GetAdjustmentRules GetAmbiguousTimeOffsets HasSameRules Id IsAmbiguousTime "
               "IsInvalidTime SupportsDaylightSavingTime ToSerializedString DateStart DateEnd DaylightDelta "
               "DaylightTransitionStart DaylightTransitionEnd IsFixedDateRule Week"},
    DotnetType{"Tuple", "Create", "Item1 Item2 Item3 Item4 Item5 Item6 Item7 Item8 Rest"},
    DotnetType{"ValueTuple", "Create", ""},
    DotnetType{"Uri",
               "CheckHostName CheckSchemeName Compare EscapeDataString EscapeUriString FromHex HexEscape HexUnescape "
               "IsHexDigit IsHexEncoding IsWellFormedUriString SchemeDelimiter TryCreate UnescapeDataString "
               "UriSchemeFile UriSchemeFtp UriSchemeHttp UriSchemeHttps UriSchemeMailto UriSchemeNetTcp Equals",
               "AbsolutePath AbsoluteUri Authority DnsSafeHost Fragment GetComponents GetLeftPart Host HostNameType "
               "IdnHost IsAbsoluteUri IsBaseOf IsDefaultPort IsFile IsLoopback IsUnc IsWellFormedOriginalString "
               "LocalPath MakeRelativeUri OriginalString PathAndQuery Port Query Scheme Segments UserEscaped UserInfo"},
    DotnetType{"UriBuilder", "", "Path Query Scheme Host Port Uri UserName Password Fragment"},
    DotnetType{"UriKind", "Absolute Relative RelativeOrAbsolute", ""},
    DotnetType{"UriPartial", "Authority Path Query Scheme", ""},
    DotnetType{"UriFormatException", "", ""},
    DotnetType{"Func", "", "Invoke"},
    DotnetType{"Action", "", ""},
    DotnetType{"Predicate", "", ""},
    DotnetType{"Comparison", "", ""},
    DotnetType{"Lazy", "", "Value IsValueCreated"},
    DotnetType{"Version", "Parse TryParse", "Major Minor Build Revision MajorRevision MinorRevision"},
    DotnetType{"Type", "GetType EmptyTypes", "Name FullName Namespace IsArray"},
    DotnetType{"IDisposable", "", "Dispose"},
    DotnetType{"IFormatProvider", "", ""},
    DotnetType{"IComparable", "", ""},
    DotnetType{"IEquatable", "", ""},
    DotnetType{"ArgumentException", "", "ParamName"},
    DotnetType{"ArgumentNullException", "", ""},
    DotnetType{"ArgumentOutOfRangeException", "", "ActualValue"},
    DotnetType{"ArithmeticException", "", ""},
    DotnetType{"DivideByZeroException", "", ""},
    DotnetType{"FormatException", "", ""},
    DotnetType{"IndexOutOfRangeException", "", ""},
    DotnetType{"InvalidCastException", "", ""},
    DotnetType{"InvalidOperationException", "", ""},
    DotnetType{"NotImplementedException", "", ""},
    DotnetType{"NotSupportedException", "", ""},
    DotnetType{"NullReferenceException", "", ""},
    DotnetType{"OverflowException", "", ""},
    DotnetType{"TimeoutException", "", ""},
    DotnetType{"ApplicationException", "", ""},
    DotnetType{"SystemException", "", ""},
    DotnetType{"AggregateException", "", "InnerExceptions Flatten"},
    DotnetType{"UnauthorizedAccessException", "", ""},
    DotnetType{"OperationCanceledException", "", ""},

    // System.Collections.Generic
    DotnetType{"Dictionary", "",
               "Add Clear Comparer ContainsKey ContainsValue Count Keys Remove TryGetValue Values TryAdd "
               "EnsureCapacity GetValueOrDefault"},
    DotnetType{"SortedDictionary", "", ""},
    DotnetType{"SortedList", "", ""},
    DotnetType{"SortedSet", "", "Min Max"},
    DotnetType{"ConcurrentDictionary", "", "AddOrUpdate GetOrAdd TryRemove TryUpdate"},
    DotnetType{"HashSet", "",
               "ExceptWith IntersectWith IsProperSubsetOf IsProperSupersetOf IsSubsetOf IsSupersetOf Overlaps "
               "RemoveWhere SetEquals SymmetricExceptWith UnionWith TrimExcess"},
    DotnetType{"List", "",
               "AddRange AsReadOnly BinarySearch Capacity ConvertAll Exists Find FindAll FindIndex FindLast "
               "FindLastIndex ForEach GetRange IndexOf Insert InsertRange LastIndexOf RemoveAll RemoveAt RemoveRange "
               "Reverse Sort ToArray TrueForAll"},
    DotnetType{"LinkedList", "", "AddFirst AddLast AddAfter AddBefore RemoveFirst RemoveLast First Last"},
    DotnetType{"Queue", "", "Dequeue Enqueue Peek TryDequeue TryPeek"},
    DotnetType{"Stack", "", "Pop Push TryPop"},
    DotnetType{"KeyValuePair", "Create", "Key Value Deconstruct"},
    DotnetType{"ICollection", "", "IsReadOnly"},
    DotnetType{"IDictionary", "", ""},
    DotnetType{"IEnumerable", "", "GetEnumerator"},
    DotnetType{"IEnumerator", "", "Current MoveNext Reset"},
    DotnetType{"IList", "", "Item"},
    DotnetType{"IReadOnlyCollection", "", ""},
    DotnetType{"IReadOnlyDictionary", "", ""},
    DotnetType{"IReadOnlyList", "", ""},
    DotnetType{"ISet", "", ""},
    DotnetType{"IComparer", "", ""},
    DotnetType{"IEqualityComparer", "", ""},
    DotnetType{"EqualityComparer", "Default", ""},
    DotnetType{"Comparer", "Default Create", ""},
    DotnetType{"KeyNotFoundException", "", ""},

    // System.Linq
    DotnetType{"Enumerable",
               "Aggregate All Any Append AsEnumerable Average Cast Chunk Concat Contains Count DefaultIfEmpty Distinct "
               "DistinctBy ElementAt ElementAtOrDefault Empty Except ExceptBy First FirstOrDefault GroupBy GroupJoin "
               "Intersect IntersectBy Join Last LastOrDefault LongCount Max MaxBy Min MinBy OfType Order OrderBy "
               "OrderByDescending OrderDescending Prepend Range Repeat Reverse Select SelectMany SequenceEqual Single "
               "SingleOrDefault Skip SkipLast SkipWhile Sum Take TakeLast TakeWhile ThenBy ThenByDescending ToArray "
               "ToDictionary ToHashSet ToList ToLookup Union UnionBy Where Zip AsQueryable AsParallel",
               ""},
    DotnetType{"IGrouping", "", ""},
    DotnetType{"ILookup", "", ""},
    DotnetType{"IOrderedEnumerable", "", ""},
    DotnetType{"IQueryable", "", ""},

    // System.IO
    DotnetType{"StringReader", "", "Read ReadBlock ReadLine ReadToEnd Close"},
    DotnetType{"StringWriter", "", "Encoding Flush GetStringBuilder NewLine Write WriteLine"},
    DotnetType{"TextReader", "", ""},
    DotnetType{"TextWriter", "", ""},
    DotnetType{"MemoryStream", "", "GetBuffer Position SetLength CopyTo Seek WriteTo CanRead CanWrite CanSeek"},
    DotnetType{"Stream", "Null", ""},
    DotnetType{"StreamReader", "", "EndOfStream"},
    DotnetType{"StreamWriter", "", "AutoFlush"},
    DotnetType{"BinaryReader", "", "ReadByte ReadBytes ReadInt32 ReadString"},
    DotnetType{"BinaryWriter", "", ""},
    DotnetType{"Path",
               "Combine GetExtension GetFileName GetFileNameWithoutExtension GetDirectoryName GetRandomFileName "
               "ChangeExtension HasExtension",
               ""},
    DotnetType{"IOException", "", ""},
    DotnetType{"SeekOrigin", "", ""},

    // System.Security.Cryptography
    DotnetType{"Aes", "Create", "Padding Mode KeySize BlockSize FeedbackSize"},
    DotnetType{"AesManaged", "Create", ""},
    DotnetType{"AesCryptoServiceProvider", "", ""},
    DotnetType{"AsymmetricAlgorithm", "Create", "KeyExchangeAlgorithm SignatureAlgorithm LegalKeySizes"},
    DotnetType{"CipherMode", "CBC CFB CTS ECB OFB", ""},
    DotnetType{"CryptoStream", "", "FlushFinalBlock"},
    DotnetType{"CryptoStreamMode", "Read Write", ""},
    DotnetType{"CryptographicException", "", ""},
    DotnetType{"ECDsa", "Create", ""},
    DotnetType{"HashAlgorithm", "Create",
               "ComputeHash Hash HashSize TransformBlock TransformFinalBlock Initialize CanReuseTransform "
               "CanTransformMultipleBlocks InputBlockSize OutputBlockSize Clear"},
    DotnetType{"HashAlgorithmName", "MD5 SHA1 SHA256 SHA384 SHA512", ""},
    DotnetType{"HMAC", "Create", "HashName"},
    DotnetType{"HMACMD5", POSTERN_HASH, ""},
    DotnetType{"HMACSHA1", POSTERN_HASH, ""},
    DotnetType{"HMACSHA256", POSTERN_HASH, ""},
    DotnetType{"HMACSHA384", POSTERN_HASH, ""},
    DotnetType{"HMACSHA512", POSTERN_HASH, ""},
    DotnetType{"KeyedHashAlgorithm", "Create", ""},
    DotnetType{"MD5", POSTERN_HASH, ""},
    DotnetType{"MD5CryptoServiceProvider", "", ""},
    DotnetType{"Oid", "FromFriendlyName FromOidValue", "FriendlyName"},
    DotnetType{"PaddingMode", "ANSIX923 ISO10126 None PKCS7 Zeros", ""},
    DotnetType{"RandomNumberGenerator", "Create Fill GetBytes GetInt32", "GetNonZeroBytes"},
    DotnetType{"RNGCryptoServiceProvider", "Create", ""},
    DotnetType{"RSA", "Create",
               "Decrypt DecryptValue Encrypt EncryptValue ExportParameters FromXmlString ImportParameters SignData "
               "SignHash ToXmlString VerifyData VerifyHash ImportFromPem ImportRSAPrivateKey ImportPkcs8PrivateKey "
               "ImportSubjectPublicKeyInfo ExportRSAPublicKey"},
    DotnetType{"RSACryptoServiceProvider", "", ""},
    DotnetType{"RSAParameters", "", "Modulus Exponent D P Q DP DQ InverseQ"},
    DotnetType{"RSAEncryptionPadding", "OaepSHA1 OaepSHA256 OaepSHA384 OaepSHA512 Pkcs1 CreateOaep", ""},
    DotnetType{"RSASignaturePadding", "Pkcs1 Pss", ""},
    DotnetType{"Rfc2898DeriveBytes", "", ""},
    DotnetType{"RijndaelManaged", "", ""},
    DotnetType{"SHA1", POSTERN_HASH, ""},
    DotnetType{"SHA1Managed", "Create", ""},
    DotnetType{"SHA256", POSTERN_HASH, ""},
    DotnetType{"SHA256Managed", "Create", ""},
    DotnetType{"SHA384", POSTERN_HASH, ""},
    DotnetType{"SHA384Managed", "Create", ""},
    DotnetType{"SHA512", POSTERN_HASH, ""},
    DotnetType{"SHA512Managed", "Create", ""},
    DotnetType{"SHA1CryptoServiceProvider", "", ""},
    DotnetType{"SHA256CryptoServiceProvider", "", ""},
    DotnetType{"SymmetricAlgorithm", "Create",
               "CreateDecryptor CreateEncryptor GenerateIV GenerateKey IV LegalBlockSizes ValidKeySize"},
    DotnetType{"TripleDES", "Create", ""},
    DotnetType{"TripleDESCryptoServiceProvider", "", ""},

    // System.Security.Cryptography.X509Certificates
    DotnetType{"PublicKey", "", "EncodedKeyValue EncodedParameters Oid"},
    DotnetType{"RSACertificateExtensions", "GetRSAPrivateKey GetRSAPublicKey", ""},
    DotnetType{"StoreLocation", "CurrentUser LocalMachine", ""},
    DotnetType{"StoreName", "My Root CertificateAuthority", ""},
    DotnetType{"X500DistinguishedName", "", ""},
    DotnetType{"X509Certificate", "CreateFromCertFile",
               "Export GetCertHash GetCertHashString GetEffectiveDateString GetExpirationDateString GetFormat "
               "GetIssuerName GetKeyAlgorithm GetKeyAlgorithmParameters GetKeyAlgorithmParametersString GetName "
               "GetPublicKey GetPublicKeyString GetRawCertData GetRawCertDataString GetSerialNumber "
               "GetSerialNumberString Issuer Subject Handle"},
    DotnetType{"X509Certificate2", "GetCertContentType CreateFromPem",
               "Archived Extensions FriendlyName GetNameInfo HasPrivateKey IssuerName NotAfter NotBefore PrivateKey "
               "RawData SerialNumber SubjectName Thumbprint Verify VerifyNoRevocation Version GetRSAPrivateKey "
               "GetRSAPublicKey"},
    DotnetType{"X509Chain", "Create", "Build ChainElements ChainPolicy ChainStatus"},
    DotnetType{"X509ContentType", "Authenticode Cert Pfx Pkcs12 Pkcs7 SerializedCert SerializedStore Unknown", ""},
    DotnetType{"X509FindType", "", ""},
    DotnetType{"X509KeyStorageFlags", "", "DefaultKeySet Exportable MachineKeySet EphemeralKeySet PersistKeySet"},
    DotnetType{"X509NameType", "DnsFromAlternativeName DnsName EmailName SimpleName UpnName UrlName", ""},

    // System.Text, System.Text.RegularExpressions
    DotnetType{"Encoding",
               "ASCII BigEndianUnicode Convert Default GetEncoding GetEncodings Latin1 UTF32 UTF7 UTF8 Unicode "
               "RegisterProvider",
               "BodyName CodePage EncodingName GetByteCount GetBytes GetCharCount GetChars GetDecoder GetEncoder "
               "GetMaxByteCount GetMaxCharCount GetPreamble GetString HeaderName WebName"},
    DotnetType{"ASCIIEncoding", "", ""},
    DotnetType{"UTF8Encoding", "", ""},
    DotnetType{"UnicodeEncoding", "", ""},
    DotnetType{"StringBuilder", "", "Append AppendFormat AppendJoin AppendLine EnsureCapacity MaxCapacity"},
    DotnetType{"Capture", "", "Index Length Value"},
    DotnetType{"CaptureCollection", "", ""},
    DotnetType{"Group", "", "Captures Success Name"},
    DotnetType{"GroupCollection", "", ""},
    DotnetType{"Match", "Empty", "Groups Result NextMatch"},
    DotnetType{"MatchCollection", "", ""},
    DotnetType{"MatchEvaluator", "", ""},
    DotnetType{"Regex", "CacheSize Escape IsMatch Match Matches Replace Split Unescape InfiniteMatchTimeout",
               "GetGroupNames GetGroupNumbers GroupNameFromNumber GroupNumberFromName MatchTimeout Options"},
    DotnetType{"RegexOptions",
               "Compiled CultureInvariant ECMAScript ExplicitCapture IgnoreCase IgnorePatternWhitespace Multiline None "
               "RightToLeft Singleline",
               ""},
    DotnetType{"RegexMatchTimeoutException", "", ""},

    // System.Net (written out in full), System.Threading, System.Threading.Tasks, System.Globalization
    DotnetType{"IPAddress", "",
               "AddressFamily GetAddressBytes IsLoopback MapToIPv4 MapToIPv6 IsIPv4MappedToIPv6 IsIPv6LinkLocal"},
    DotnetType{"WebUtility", "HtmlDecode HtmlEncode UrlDecode UrlDecodeToBytes UrlEncode UrlEncodeToBytes", ""},
    DotnetType{"HttpUtility",
               "HtmlAttributeEncode HtmlDecode HtmlEncode JavaScriptStringEncode ParseQueryString UrlDecode UrlEncode "
               "UrlPathEncode",
               ""},
    DotnetType{"HttpStatusCode", "", "OK NotFound BadRequest Unauthorized Forbidden InternalServerError"},
    DotnetType{"NameValueCollection", "", "AllKeys GetKey GetValues HasKeys"},
    DotnetType{"CultureInfo", "", "InvariantCulture CurrentCulture GetCultureInfo CreateSpecificCulture"},
    DotnetType{"DateTimeStyles", "", "AdjustToUniversal AssumeUniversal AssumeLocal RoundtripKind None"},
    DotnetType{"NumberStyles", "", "Any Integer HexNumber AllowDecimalPoint Float Number AllowHexSpecifier"},
    DotnetType{"Stopwatch", "", "StartNew Stop Elapsed ElapsedMilliseconds ElapsedTicks Start Restart"},
    DotnetType{"Task", "", "Result Wait Run Delay CompletedTask FromResult WhenAll WhenAny"},
    DotnetType{"Thread", "", "Sleep CurrentThread"},
    DotnetType{"CancellationToken", "", ""},
    DotnetType{"Interlocked", "", "Increment Decrement Exchange CompareExchange"},
    DotnetType{"GZipStream", "", ""},
    DotnetType{"DeflateStream", "", ""},
    DotnetType{"CompressionMode", "", "Compress Decompress"},
    DotnetType{"CompressionLevel", "", "Optimal Fastest"},

    // System.Xml, System.Xml.Linq, System.Xml.XPath
    DotnetType{"XmlDocument", "",
               "DocumentElement LoadXml OuterXml InnerXml InnerText SelectNodes SelectSingleNode CreateElement "
               "AppendChild ChildNodes Attributes GetElementsByTagName NameTable NamespaceURI LocalName ParentNode "
               "FirstChild LastChild NodeType PreserveWhitespace Save Load CreateAttribute CreateXmlDeclaration "
               "GetAttribute SetAttribute HasChildNodes RemoveChild ReplaceChild InsertBefore InsertAfter ImportNode "
               "CreateTextNode CreateCDataSection CreateNode NextSibling PreviousSibling"},
    DotnetType{"XmlElement", "", ""},
    DotnetType{"XmlAttribute", "", ""},
    DotnetType{"XmlNode", "", ""},
    DotnetType{"XmlNodeList", "", ""},
    DotnetType{"XmlNamespaceManager", "", "AddNamespace LookupNamespace LookupPrefix PushScope PopScope"},
    DotnetType{"XmlNodeType",
               "Attribute CDATA Comment Document DocumentFragment DocumentType Element EndElement EndEntity Entity "
               "EntityReference None Notation ProcessingInstruction SignificantWhitespace Text Whitespace "
               "XmlDeclaration",
               ""},
    DotnetType{"XmlReader", "Create", "ReadState MoveToContent ReadElementContentAsString ReadOuterXml ReadInnerXml"},
    DotnetType{"XmlReaderSettings", "", "DtdProcessing XmlResolver IgnoreWhitespace IgnoreComments"},
    DotnetType{"XmlWriter", "Create",
               "WriteStartElement WriteEndElement WriteElementString WriteAttributeString WriteStartDocument "
               "WriteEndDocument WriteString WriteRaw"},
    DotnetType{"XmlWriterSettings", "", "OmitXmlDeclaration Indent IndentChars"},
    DotnetType{"XmlTextReader", "", ""},
    DotnetType{"XmlTextWriter", "", ""},
    DotnetType{"XmlConvert", "", "DecodeName EncodeName EncodeLocalName ToGuid VerifyName"},
    DotnetType{"XmlException", "", "LineNumber LinePosition"},
    DotnetType{"XPathExtensions", "", "XPathSelectElement XPathSelectElements XPathEvaluate"},
    DotnetType{"Formatting", "Indented None", ""},
    DotnetType{"Extensions", "", ""},
    DotnetType{"LoadOptions", "None PreserveWhitespace SetBaseUri SetLineInfo", ""},
    DotnetType{"SaveOptions", "DisableFormatting None OmitDuplicateNamespaces", ""},
    DotnetType{"XAttribute", "EmptySequence", "IsNamespaceDeclaration NextAttribute PreviousAttribute SetValue Remove"},
    DotnetType{"XCData", "", ""},
    DotnetType{"XComment", "", ""},
    DotnetType{"XContainer", "",
               "AddFirst CreateWriter DescendantNodes Descendants Element Elements FirstNode LastNode Nodes "
               "RemoveNodes ReplaceNodes"},
    DotnetType{"XDeclaration", "", "Standalone Encoding Version"},
    DotnetType{"XDocument", "Load Parse", "Declaration DocumentType Root Save"},
    DotnetType{"XDocumentType", "", "InternalSubset PublicId SystemId"},
    DotnetType{"XElement", "EmptySequence Load Parse",
               "AncestorsAndSelf Attribute Attributes DescendantNodesAndSelf DescendantsAndSelf FirstAttribute "
               "GetDefaultNamespace GetNamespaceOfPrefix GetPrefixOfNamespace HasAttributes HasElements IsEmpty "
               "LastAttribute RemoveAll RemoveAttributes ReplaceAll ReplaceAttributes SetAttributeValue "
               "SetElementValue"},
    DotnetType{"XName", "Get", "LocalName Namespace NamespaceName"},
    DotnetType{"XNamespace", "Get None Xml Xmlns", "GetName"},
    DotnetType{"XNode", "DeepEquals CompareDocumentOrder DocumentOrderComparer EqualityComparer ReadFrom",
               "AddAfterSelf AddBeforeSelf Ancestors ElementsAfterSelf ElementsBeforeSelf IsAfter IsBefore NextNode "
               "NodesAfterSelf NodesBeforeSelf PreviousNode ReplaceWith CreateReader"},
    DotnetType{"XNodeDocumentOrderComparer", "", ""},
    DotnetType{"XNodeEqualityComparer", "", ""},
    DotnetType{"XObject", "", "AddAnnotation Annotation Annotations BaseUri Document InDocumentOrder"},
    DotnetType{"XProcessingInstruction", "", "Target Data"},
    DotnetType{"XText", "", ""},

    // Newtonsoft.Json, Newtonsoft.Json.Linq
    DotnetType{"JsonConvert",
               "DeserializeAnonymousType DeserializeObject DeserializeXNode DeserializeXmlNode False NaN "
               "NegativeInfinity Null PopulateObject PositiveInfinity SerializeObject SerializeXNode SerializeXmlNode "
               "ToString True Undefined DefaultSettings",
               ""},
    DotnetType{"JsonSerializerSettings", "",
               "NullValueHandling Formatting DateFormatString DateParseHandling ContractResolver Converters "
               "DefaultValueHandling TypeNameHandling MissingMemberHandling FloatParseHandling StringEscapeHandling"},
    DotnetType{"NullValueHandling", "Ignore Include", ""},
    DotnetType{"DateParseHandling", "None DateTime DateTimeOffset", ""},
    DotnetType{"DateFormatHandling", "", "IsoDateFormat MicrosoftDateFormat"},
    DotnetType{"FloatParseHandling", "Double Decimal", ""},
    DotnetType{"JsonReader", "", ""},
    DotnetType{"JsonTextReader", "", "Depth TokenType"},
    DotnetType{"JsonTextWriter", "",
               "WriteStartObject WriteEndObject WritePropertyName WriteValue WriteStartArray WriteEndArray"},
    DotnetType{"JsonException", "", ""},
    DotnetType{"JsonReaderException", "", ""},
    DotnetType{"JsonSerializationException", "", ""},
    DotnetType{"JsonSerializer", "Create CreateDefault", "Serialize Deserialize"},
    DotnetType{"JsonProperty", "", ""},
    DotnetType{"JsonIgnore", "", ""},
    DotnetType{"CamelCasePropertyNamesContractResolver", "", ""},
    DotnetType{"JArray", "FromObject Load LoadAsync Parse EqualityComparer DeepEquals", "IndexOf ChildrenTokens"},
    DotnetType{"JConstructor", "", ""},
    DotnetType{"JContainer", "", "AddFirst Descendants DescendantsAndSelf Merge RemoveAll ReplaceAll"},
    DotnetType{"JObject", "FromObject Load LoadAsync Parse EqualityComparer DeepEquals",
               "ContainsKey GetValue Properties Property PropertyValues PropertyChanged TryGetValue"},
    DotnetType{"JProperty", "Load", "Name Value"},
    DotnetType{"JRaw", "Create", ""},
    DotnetType{"JToken", "DeepEquals EqualityComparer FromObject Load Parse ReadFrom LoadAsync",
               "AddAfterSelf AddBeforeSelf AfterSelf Ancestors AncestorsAndSelf BeforeSelf Children CreateReader "
               "DeepClone First HasValues Last Next Parent Path Previous Remove Replace Root SelectToken SelectTokens "
               "ToObject Type Value Values WriteTo AsJEnumerable"},
    DotnetType{"JTokenType",
               "Array Boolean Bytes Comment Constructor Date Float Guid Integer None Null Object Property Raw String "
               "TimeSpan Undefined Uri",
               ""},
    DotnetType{"JValue", "CreateComment CreateNull CreateString CreateUndefined Parse FromObject", ""},
    DotnetType{"JEnumerable", "", ""},
    DotnetType{"JsonLoadSettings", "", "CommentHandling LineInfoHandling DuplicatePropertyNameHandling"},
    DotnetType{"JsonMergeSettings", "", "MergeArrayHandling MergeNullValueHandling PropertyNameComparison"},
    DotnetType{"MergeArrayHandling", "Concat Merge Replace Union", ""},
    DotnetType{"MergeNullValueHandling", "", ""},

    // What APIM brings along.
    DotnetType{"IApi", "", "Id Name Path Revision Version ServiceUrl IsCurrentRevision Protocols"},
    DotnetType{"Authorization", "", "AccessToken Claims"},
    DotnetType{"BasicAuthCredentials", "", "Username UserId Password"},
    DotnetType{"IDeployment", "", ""},
    DotnetType{"IGroup", "", ""},
    DotnetType{"ILastError", "", ""},
    DotnetType{"IMessageBody", "", "As AsFormUrlEncodedContent AsMultipartContent"},
    DotnetType{"IOperation", "", ""},
    DotnetType{"IPrivateEndpointConnection", "", ""},
    DotnetType{"IProduct", "", ""},
    DotnetType{"IProxyRequestContext", "", ""},
    DotnetType{"ProductState", "NotPublished Published", ""},
    DotnetType{"IRequest", "", ""},
    DotnetType{"IResponse", "", "Body Headers StatusCode StatusReason"},
    DotnetType{"ISubscription", "", "Key PrimaryKey SecondaryKey CreatedDate StartDate EndDate CreatedTime"},
    DotnetType{"ISubscriptionKeyParameterNames", "", ""},
    DotnetType{"IUrl", "", "Host Path Port Scheme Query QueryString ToUri"},
    DotnetType{"IUser", "", "Email FirstName LastName Note RegistrationDate Groups Identities"},
    DotnetType{"IUserIdentity", "", "Provider Id"},
    DotnetType{"IContextApi", "", ""},
    DotnetType{"Jwt", "",
               "Algorithm Audiences Claims ExpirationTime Id Issuer IssuedAt NotBefore Subject Type Header Payload"},
};
#undef POSTERN_NUMBER
#undef POSTERN_REAL
#undef POSTERN_HASH

// What the extension methods of APIM and the namespaces add to the names that can follow a dot.
constexpr std::string_view kExtensions =
    "AsBasic TryParseBasic AsJwt TryParseJwt Encrypt Decrypt VerifyNoRevocation ToQueryString ToFormUrlEncodedContent "
    "GetValueOrDefault Children Value Values Properties Ancestors AncestorsAndSelf Descendants DescendantsAndSelf "
    "AsJEnumerable";
constexpr std::string_view kBeside =
    "Json Linq Xml XPath Collections Generic IO Security Cryptography X509Certificates Text "
    "RegularExpressions Threading Tasks Net Http Globalization Diagnostics Runtime Reflection Environment File "
    "Directory Sockets WebClient WebRequest Specialized Concurrent Compression Web Numerics BigInteger Serialization "
    "Converters Microsoft Newtonsoft System CSharp Add Dispose Close Read Write Flush";

template <typename Visit>
void each_word(std::string_view words, Visit visit) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (end > 0) visit(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
}

std::vector<std::string_view> words_of(std::string_view words) {
  std::vector<std::string_view> out;
  each_word(words, [&](std::string_view word) { out.push_back(word); });
  return out;
}

// Built when the first expression asks.
struct Names {
  std::unordered_set<std::string_view> members;
  std::vector<std::string_view> types;
  std::vector<std::string_view> member_list;

  Names() {
    const auto add = [&](std::string_view word) {
      if (members.insert(word).second) member_list.push_back(word);
    };
    for (const DotnetType& type : kTypes) {
      types.push_back(type.name);
      add(type.name);
      each_word(type.statics, add);
      each_word(type.members, add);
    }
    each_word(kExtensions, add);
    each_word(kBeside, add);
    std::unordered_set<const ContextType*> seen;
    add_context(context_type(), add, seen);
  }

 private:
  template <typename Add>
  static void add_context(const ContextType& type, Add add, std::unordered_set<const ContextType*>& seen) {
    if (!seen.insert(&type).second) return;
    for (const ContextMember& member : type.members) {
      add(member.name);
      if (member.type != nullptr) add_context(*member.type, add, seen);
    }
  }
};
const Names& names() {
  static const Names all;
  return all;
}

}  // namespace

const DotnetType* find_dotnet_type(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const DotnetType& t) { return t.name == name; });
  return found == std::end(kTypes) ? nullptr : found;
}

bool has_static_member(const DotnetType& type, std::string_view name) {
  if (type.statics.empty()) return true;
  bool found = false;
  each_word(type.statics, [&](std::string_view word) { found |= word == name; });
  return found;
}

std::string_view near_static_member(const DotnetType& type, std::string_view name) {
  return closest(name, words_of(type.statics));
}

bool is_extension_method(std::string_view name) {
  static const DotnetType& linq = *find_dotnet_type("Enumerable");
  static const std::vector<std::string_view> others = words_of(kExtensions);
  return has_static_member(linq, name) || std::find(others.begin(), others.end(), name) != others.end();
}

std::span<const std::string_view> dotnet_type_names() { return names().types; }

std::string_view near_dotnet_member(std::string_view name) { return closest(name, names().member_list); }

bool is_dotnet_member(std::string_view name) { return names().members.contains(name); }

bool is_root_namespace(std::string_view name) {
  return name == "System" || name == "Newtonsoft" || name == "Microsoft";
}

}  // namespace postern::policy::csharp
