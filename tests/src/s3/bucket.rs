//! The operations of `s3s-fs`, where it does them as S3 does, and those that it
//! lacks: uploads in parts that are listed, and folders that are no objects.

use s3s::{
    S3 as Operations, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput,
        DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, GetObjectInput, GetObjectOutput, HeadObjectInput,
        HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input,
        ListObjectsV2Output, MultipartUpload, PutObjectInput, PutObjectOutput, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};
use s3s_fs::FileSystem;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Uploads in one answer: few, so that more than one page is asked for.
const PAGE: usize = 3;

#[derive(Clone, Debug)]
pub(super) struct Bucket {
    inner: Arc<FileSystem>,
    root: PathBuf,
    /// The uploads in parts that are not ended: key and upload id.
    unfinished: Arc<Mutex<BTreeSet<(String, String)>>>,
    loses_parts: Arc<AtomicBool>,
}

impl Bucket {
    pub(super) fn over(root: &Path) -> Self {
        let inner = FileSystem::new(root).expect("the folder is there");
        Self { inner: Arc::new(inner), root: root.to_owned(), unfinished: Arc::default(), loses_parts: Arc::default() }
    }

    pub(super) fn unfinished(&self) -> Vec<(String, String)> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn begun(&self, key: String, upload: String) {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner).insert((key, upload));
    }

    fn ended(&self, key: String, upload: String) {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner).remove(&(key, upload));
    }

    /// Whether parts are accepted, and gone.
    pub(super) fn lose_parts(&self, is: bool) {
        self.loses_parts.store(is, Ordering::SeqCst);
    }

    /// Where the file system keeps a part.
    fn part(&self, upload: &str, number: i32) -> PathBuf {
        self.root.join(format!(".upload_id-{upload}.part-{number}"))
    }

    /// A key that only leads to objects is none itself.
    fn no_folder(&self, bucket: &str, key: &str) -> S3Result<()> {
        if self.root.join(bucket).join(key).is_dir() { Err(s3_error!(NoSuchKey)) } else { Ok(()) }
    }
}

/// All keys of a test are one user's, who goes on with what he has begun by others
/// of his keys. To the file system, each pair of keys is a user.
fn of_one_user<T>(request: S3Request<T>) -> S3Request<T> {
    S3Request { credentials: None, ..request }
}

#[async_trait::async_trait]
impl Operations for Bucket {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        self.inner.put_object(request).await
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        self.no_folder(&request.input.bucket, &request.input.key)?;
        let GetObjectInput {
            response_content_type: kind,
            response_content_disposition: disposition,
            response_cache_control: caching,
            ..
        } = request.input.clone();
        let mut answer = self.inner.get_object(request).await?;
        // What a signed URL says of itself comes before what is stored.
        let said = &mut answer.output;
        said.content_type = kind.or(said.content_type.take());
        said.content_disposition = disposition.or(said.content_disposition.take());
        said.cache_control = caching.or(said.cache_control.take());
        Ok(answer)
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        self.no_folder(&request.input.bucket, &request.input.key)?;
        let HeadObjectInput {
            response_content_type: kind,
            response_content_disposition: disposition,
            response_cache_control: caching,
            ..
        } = request.input.clone();
        let mut answer = self.inner.head_object(request).await?;
        let said = &mut answer.output;
        said.content_type = kind.or(said.content_type.take());
        said.content_disposition = disposition.or(said.content_disposition.take());
        said.cache_control = caching.or(said.cache_control.take());
        Ok(answer)
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.inner.delete_object(request).await
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.inner.delete_objects(request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.inner.list_objects_v2(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let key = request.input.key.clone();
        let answer = self.inner.create_multipart_upload(of_one_user(request)).await?;
        self.begun(key, answer.output.upload_id.clone().unwrap_or_default());
        Ok(answer)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let part = self.part(&request.input.upload_id, request.input.part_number);
        let answer = self.inner.upload_part(of_one_user(request)).await?;
        if self.loses_parts.load(Ordering::SeqCst) {
            std::fs::remove_file(part).map_err(|_| s3_error!(InternalError))?;
        }
        Ok(answer)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let (key, upload) = (request.input.key.clone(), request.input.upload_id.clone());
        let parts = request.input.multipart_upload.iter().flat_map(|upload| upload.parts.iter().flatten());
        let are_there = parts.filter_map(|part| part.part_number).all(|number| self.part(&upload, number).is_file());
        // The upload stays: the file system would have ended it.
        if !are_there && self.unfinished().contains(&(key.clone(), upload.clone())) {
            return Err(s3_error!(InvalidPart));
        }
        let answer = self.inner.complete_multipart_upload(of_one_user(request)).await?;
        self.ended(key, upload);
        Ok(answer)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let (key, upload) = (request.input.key.clone(), request.input.upload_id.clone());
        let answer = self.inner.abort_multipart_upload(of_one_user(request)).await?;
        self.ended(key, upload);
        Ok(answer)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        let after = (input.key_marker.unwrap_or_default(), input.upload_id_marker.unwrap_or_default());
        let prefix = input.prefix.unwrap_or_default();
        let all = self.unfinished().into_iter().filter(|(key, _)| key.starts_with(&prefix));
        let mut rest: Vec<_> = all.filter(|upload| *upload > after).collect();
        let is_truncated = rest.len() > PAGE;
        rest.truncate(PAGE);
        let (next_key, next_upload) = rest.last().cloned().filter(|_| is_truncated).unzip();
        let listed = |(key, upload)| MultipartUpload { key: Some(key), upload_id: Some(upload), ..Default::default() };
        Ok(S3Response::new(ListMultipartUploadsOutput {
            is_truncated: Some(is_truncated),
            next_key_marker: next_key,
            next_upload_id_marker: next_upload,
            uploads: Some(rest.into_iter().map(listed).collect()),
            ..Default::default()
        }))
    }
}
